"""Where the music is in a callback that is decoded already."""

from __future__ import annotations

from schemas.dialects.dialect import Shape
from schemas.dialects.errors import NotACallback
from schemas.dialects.registry import AUTO, choose


def find_song(callback: dict[str, object], named: str = AUTO) -> dict[str, object]:
    """The object in ``data`` that holds ``instruments``.

    Args:
        callback: the body, decoded.
        named: the header ``midi-dialect``; where it names no dialect, the shape tells.

    Raises:
        NotACallback: there is no such object.
    """
    data = callback.get("data")
    dialect = choose(named, _shape(callback))
    song = dialect.song(data)
    if not isinstance(song, dict):
        raise NotACallback("data", f"`data` is not {dialect.expected_data}.")
    return song


def _shape(callback: dict[str, object]) -> Shape:
    given = {field for field, value in callback.items() if value is not None}
    return Shape(
        id_at_top=not given.isdisjoint({"task_id", "taskId"}),
        has_code="code" in given,
        has_success="success" in given,
        data_is_array=isinstance(callback.get("data"), list),
    )

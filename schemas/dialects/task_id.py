"""The one task id of a callback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.dialects.errors import NotACallback

MAX_CHARACTERS: Final = 200


def one_id(places: Iterable[tuple[str, str | None]]) -> str:
    """The task id that stands in these places, each a field's name and its value if it has one.

    Raises:
        NotACallback: there is none, or two that differ, or it has other than 1–200 printable characters.
    """
    found = [(field, task_id) for field, task_id in places if task_id is not None]
    if not found:
        raise NotACallback("task_id", "Expected a task id: a string at `task_id`.")
    field, task_id = found[0]
    for other, another in found[1:]:
        if another != task_id:
            raise NotACallback(field, f"Expected one task id, but `{field}` and `{other}` differ.")
    if not (1 <= len(task_id) <= MAX_CHARACTERS and task_id.isprintable()):
        raise NotACallback(field, f"Expected 1 to {MAX_CHARACTERS} printable characters at `{field}`.")
    return task_id

"""The one task id of a callback."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from schemas.dialects.errors import NotACallback

MAX_CHARACTERS: Final = 200


@cache
def places(song: str) -> tuple[str, str, str, str]:
    """Where a task id may stand, if the song stands at the field ``song``: ``data`` or ``data[0]``."""
    return "task_id", "taskId", f"{song}.task_id", f"{song}.taskId"


def one_id(fields: Iterable[str], ids: Iterable[str | None]) -> str:
    """The one task id among those that stand at these fields.

    Raises:
        NotACallback: there is none, or two that differ, or it has other than 1–200 printable characters.
    """
    found = [(field, task_id) for field, task_id in zip(fields, ids, strict=True) if task_id is not None]
    if not found:
        raise NotACallback("task_id", "Expected a task id: a string at `task_id`.")
    field, task_id = found[0]
    for other, another in found[1:]:
        if another != task_id:
            raise NotACallback(field, f"Expected one task id, but `{field}` and `{other}` differ.")
    if not (1 <= len(task_id) <= MAX_CHARACTERS and task_id.isprintable()):
        raise NotACallback(field, f"Expected 1 to {MAX_CHARACTERS} printable characters at `{field}`.")
    return task_id

"""What Kafka said before it died: of a long log, the lines that tell why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_MAX_LINES: Final = 6
_MAX_TAIL_BYTES: Final = 256 * 1024
_TELLING: Final = re.compile(r"\S+ (ERROR|FATAL) |(Caused by: )?[\w.$]+(Exception|Error)\b")


def size_of(file: Path) -> int:
    """Its bytes; 0 where it does not exist."""
    return file.stat().st_size if file.exists() else 0


def last_words(log_file: Path, since: int, output_file: Path) -> list[str]:
    """At most six lines: errors and exceptions that Kafka logged after byte ``since``, and what Java wrote.

    Without any, the last lines that Kafka logged.
    """
    logged = _tail(log_file, since)
    telling = [line for line in logged if _TELLING.match(line)]
    written = [line for line in _tail(output_file, 0) if not line[0].isspace()]
    return list(dict.fromkeys([*telling, *written] or logged))[-_MAX_LINES:]


def _tail(file: Path, since: int) -> list[str]:
    """The lines that are not empty, of the last part of the file."""
    size = size_of(file)
    if size == 0:
        return []
    with file.open("rb") as opened:
        opened.seek(max(since if since <= size else 0, size - _MAX_TAIL_BYTES))
        text = opened.read().decode("utf-8", "replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]

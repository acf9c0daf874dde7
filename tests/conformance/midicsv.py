"""What midicsv prints (midicsv(5)), in the words of `said`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ESCAPED: Final = re.compile(rb'""|\\(\\|[0-7]{3})')


def said(printed: bytes) -> Iterator[str]:
    """The lines."""
    for record in printed.rstrip(b"\n").split(b"\n"):
        _, tick, kind, *rest = record.split(b", ", 3)
        yield from _said(kind.decode(), tick.decode(), *rest)


def _said(kind: str, tick: str, values: bytes = b"") -> Iterator[str]:
    match kind:
        case "Header":
            yield f"division {_numbers(values)[2]}"
        case "Start_track":
            yield "track"
        case "Title_t":
            yield f"name {_text(values).hex()}"
        case "Tempo":
            yield f"tempo {tick} {_numbers(values)[0]}"
        case "Program_c":
            channel, program = _numbers(values)
            yield f"program {channel + 1} {program}"
        case "Note_on_c":
            channel, pitch, velocity = _numbers(values)
            yield f"on {tick} {channel + 1} {pitch} {velocity}"
        case "Time_signature" | "End_track" | "End_of_file":
            pass
        case _:
            raise ValueError(f"midicsv found a {kind}")


def _numbers(values: bytes) -> list[int]:
    return list(map(int, values.split(b", ")))


def _text(quoted: bytes) -> bytes:
    return _ESCAPED.sub(_unescaped, quoted[1:-1])


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[0] == b'""':
        return b'"'
    return b"\\" if found[1] == b"\\" else bytes([int(found[1], 8)])

"""A file's chunks: its header and its tracks, found by their lengths (Standard MIDI Files 1.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from midi_ingest.inspection.clock import Division
from midi_ingest.inspection.errors import Damaged, Unreadable

_HEADER_BYTES: Final = 6
_PREFIX_BYTES: Final = 8
"""A chunk's kind and length."""


class Chunk(NamedTuple):
    """A chunk: where it begins in the file, its kind, and what is in it."""

    at: int
    kind: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Chunks:
    """A file's header and tracks, with what is odd about them."""

    type: int
    division: Division
    tracks: list[Chunk]
    remarks: list[str]


def split(data: bytes) -> Chunks:
    """The chunks of a file; those of an unknown kind are skipped, as the specification asks of readers.

    Raises:
        Unreadable: the bytes are no MIDI file, or one that is cut off.
    """
    if not data:
        raise Unreadable("is empty")
    if data[:4] != b"MThd":
        raise Unreadable(f"is no MIDI file: it begins with {data[:4]!r} instead of b'MThd'")
    chunks = list(_chunks(data))
    header = chunks[0]
    if len(header.content) < _HEADER_BYTES:
        raise Damaged("its header is too short")
    kind, promised, division = struct.unpack_from(">HHH", header.content)
    if kind > 2:
        raise Damaged(f"it says that it is of type {kind}, but only 0, 1 and 2 are known")
    tracks = [chunk for chunk in chunks if chunk.kind == b"MTrk"]
    if len(tracks) < promised:
        raise Damaged(f"its header promises {promised:,} tracks, but there are {len(tracks):,}")
    return Chunks(kind, _division(division), tracks, list(_remarks(data, promised, chunks)))


def _chunks(data: bytes) -> Iterator[Chunk]:
    """All chunks that are whole; a header or a track must be."""
    at = 0
    while at + _PREFIX_BYTES <= len(data):
        kind, length = struct.unpack_from(">4sI", data, at)
        content = data[at + _PREFIX_BYTES : at + _PREFIX_BYTES + length]
        if len(content) < length:
            if kind not in {b"MThd", b"MTrk"}:
                return
            missing = length - len(content)
            raise Damaged(
                f"the chunk at byte {at:,} is cut off: {missing:,} of its {length:,} bytes are missing"
            )
        yield Chunk(at, kind, content)
        at += _PREFIX_BYTES + length
    if at == 0:
        raise Damaged("its header is cut off")


def _division(value: int) -> Division:
    """What a tick is; of a negative number the upper byte is minus the frames a second, the lower the ticks of each."""
    smpte = value >= 0x8000
    frames, ticks = 256 - (value >> 8), value & 0xFF if smpte else value
    if not ticks:
        raise Damaged("its header says that nothing is a tick")
    if not smpte:
        return Division(ticks)
    return Division(ticks, 30_000 / 1001 if frames == 29 else frames)  # 29 stands for "drop frame"


def _remarks(data: bytes, promised: int, chunks: list[Chunk]) -> Iterator[str]:
    tracks = sum(chunk.kind == b"MTrk" for chunk in chunks)
    if tracks > promised:
        yield f"The header promises {promised:,} tracks; there are {tracks:,}."
    if unknown := len(chunks) - 1 - tracks:
        yield f"Chunks that are no tracks were skipped: {unknown:,}."
    *_, last = chunks
    if rest := len(data) - (last.at + _PREFIX_BYTES + len(last.content)):
        yield f"What comes after the last chunk was skipped: {rest:,} bytes."

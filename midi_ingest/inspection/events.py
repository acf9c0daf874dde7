"""A track's events, walked over before mido makes an object of each: how many there are, and that no number is endless.

What else is wrong with an event is mido's to say: there the walk ends, as mido's reading does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from mido.messages.specs import SPEC_BY_STATUS

from midi_ingest.inspection.errors import TooLarge

_META: Final = 0xFF
_EXCLUSIVE: Final = frozenset({0xF0, 0xF7})
_DATA_BYTES: Final[dict[int, int]] = {status: spec["length"] - 1 for status, spec in SPEC_BY_STATUS.items()}

_LONGEST_NUMBER_BYTES: Final = 4
"""Standard MIDI Files 1.0; mido reads longer ones, in time that grows with the square of their length."""
_LONGEST_DATA_BYTES: Final = 1_000_000
"""mido reads no more in one event."""


def count_events(track: bytes) -> int:
    """How many events a track has, up to the first that is none.

    Raises:
        ValueError: a number, of ticks or bytes, is longer than a file may have.
        TooLarge: an event has more data than mido reads.
    """
    at = events = status = 0
    with suppress(LookupError):
        while at < len(track):
            at = _after_number(track, at)
            first = track[at]
            running = first < 0x80
            if first == _META:
                at = _after_data(track, at + 2)
            elif (status := status if running else first) in _EXCLUSIVE:
                at = _after_data(track, at + 1)
            else:
                at += 1 + _DATA_BYTES[status] - running
            events += 1
    return events


def _after_number(track: bytes, at: int) -> int:
    for after in range(at + 1, at + 1 + _LONGEST_NUMBER_BYTES):
        if track[after - 1] < 0x80:
            return after
    raise ValueError(f"a number in it is longer than {_LONGEST_NUMBER_BYTES} bytes, the most there may be")


def _after_data(track: bytes, at: int) -> int:
    """Where data ends that begins with its length."""
    after, length = _after_number(track, at), 0
    for byte in track[at:after]:
        length = length << 7 | byte & 0x7F
    if _LONGEST_DATA_BYTES < length <= len(track) - after:
        raise TooLarge(f"has an event of {length:,} bytes; inspect reads {_LONGEST_DATA_BYTES:,} at most")
    return after + length

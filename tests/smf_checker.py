"""A strict reader of Standard MIDI Files: it refuses whatever any other reader might stumble over.

It is written from the specification (Standard MIDI Files 1.0, RP-001, whose headings stand beside its rules) and from
what this project promises of its files, and has nothing in common with what writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

from tests.heard import Heard, Track

DRUM_CHANNEL: Final = 10

_NOTE_OFF: Final = 0x80
_NOTE_ON: Final = 0x90
_PROGRAM_CHANGE: Final = 0xC0
_SYSTEM: Final = 0xF0
_META: Final = 0xFF

_TRACK_NAME: Final = 0x03
_END_OF_TRACK: Final = 0x2F
_TEMPO: Final = 0x51
_TIME_SIGNATURE: Final = 0x58
_META_BYTES: Final = {0x00: 2, 0x20: 1, _END_OF_TRACK: 0, _TEMPO: 3, 0x54: 5, _TIME_SIGNATURE: 4, 0x59: 2}
"""How long a meta-event must be, by its type ("Meta-Events")."""
_META_OF_ANY_LENGTH: Final = {*range(0x01, 0x08), 0x7F}


class Refused(ValueError):
    """A file breaks a rule; ``offset`` is where, in bytes from the file's beginning."""

    def __init__(self, offset: int, rule: str) -> None:
        super().__init__(f"at byte {offset}: {rule}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Song:
    """What a file says: ticks a quarter note, what is in its first track, and all other tracks."""

    division: int
    name: str
    microseconds_per_quarter: int
    time_signature: bytes
    tracks: list[Track]


def check(file: bytes) -> Song:
    """What the file says.

    Raises:
        Refused: it is not wholly right.
    """
    rest = _Bytes(file, 0, len(file))
    count, division = _header(_chunk(rest, b"MThd"))
    chunks = [_chunk(rest, b"MTrk") for _ in range(count)]
    if not rest.are_over:
        _refuse(rest.at, f"there is more than a header and {count} tracks")
    first, *others = [iter(list(_events(chunk))) for chunk in chunks]
    tempo_track = _tempo_track(first)
    tracks = [_track(events) for events in others]
    channels = [track.channel for track in tracks if track.channel is not None]
    if len(set(channels)) < len(channels):
        _refuse(0, f"two tracks share a channel, and the order of their events is not defined: {channels}")
    return Song(division, *tempo_track, tracks)


def _refuse(offset: int, rule: str) -> NoReturn:
    raise Refused(offset, rule)


class _Bytes:
    """Bytes of a file, up to ``end``, which are taken from the front."""

    def __init__(self, file: bytes, at: int, end: int) -> None:
        self._file, self.at, self._end = file, at, end

    @property
    def are_over(self) -> bool:
        return self.at == self._end

    def take(self, count: int) -> bytes:
        if self.at + count > self._end:
            _refuse(self.at, f"{count} bytes are announced, and {self._end - self.at} are there")
        self.at += count
        return self._file[self.at - count : self.at]

    def part(self, count: int) -> _Bytes:
        start = self.at
        self.take(count)
        return _Bytes(self._file, start, self.at)

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def quantity(self) -> int:
        """A variable-length quantity, up to 0FFFFFFF, in as few bytes as it takes ("Conventions")."""
        start, value = self.at, 0
        while self.at < start + 4:
            byte = self.number(1)
            if byte == 0x80 and self.at == start + 1:
                _refuse(start, "a quantity begins with zeros")
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        _refuse(start, "a quantity takes more than four bytes")

    def status(self, running: int | None) -> int:
        """The next event's status, which may be left out after a channel message of the same ("Track Chunks")."""
        start = self.at
        status = self.number(1)
        if status >= 0x80:
            return status
        if running is None:
            _refuse(start, "an event has no status, and nothing that it could have it from")
        self.at = start
        return running

    def data(self, count: int) -> bytes:
        start = self.at
        data = self.take(count)
        if max(data) >= 0x80:
            _refuse(start, "a data byte has its top bit set")
        return data


def _chunk(rest: _Bytes, kind: bytes) -> _Bytes:
    start = rest.at
    if (found := rest.take(4)) != kind:
        _refuse(start, f"a chunk is {found!r} instead of {kind!r}")
    return rest.part(rest.number(4))


def _header(header: _Bytes) -> tuple[int, int]:
    """The number of tracks, and the ticks a quarter note ("Header Chunks")."""
    start = header.at
    file_format, count, division = header.number(2), header.number(2), header.number(2)
    if not header.are_over:
        _refuse(header.at, "the header is longer than 6 bytes")
    if file_format != 1:
        _refuse(start, f"the format is {file_format}, not 1")
    if count == 0:
        _refuse(start + 2, "there is no track")
    if not 0 < division < 0x8000:
        _refuse(start + 4, "the division is not in ticks a quarter note")
    return count, division


class _Event(NamedTuple):
    """``kind`` is a meta-event's type, with 0xFF before it, or a channel message's status without the channel."""

    offset: int
    tick: int
    kind: int
    channel: int
    data: bytes


def _events(track: _Bytes) -> Iterator[_Event]:
    """All events of a track but its end, which stands at the time of the last of them ("Track Chunks")."""
    tick, running = 0, None
    while True:
        start = track.at
        gap = track.quantity()
        tick += gap
        status = track.status(running)
        if _SYSTEM <= status < _META:
            _refuse(start, "there is a system message")
        if status < _SYSTEM:
            running = status
            data = track.data(1 if status & 0xE0 == _PROGRAM_CHANGE else 2)
            yield _Event(start, tick, status & 0xF0, (status & 0x0F) + 1, data)
            continue
        running = None
        kind, data = _meta(track)
        if kind == _END_OF_TRACK:
            return _end(track, start, gap)
        yield _Event(start, tick, _META << 8 | kind, 0, data)


def _end(track: _Bytes, start: int, gap: int) -> None:
    if gap:
        _refuse(start, "a track ends later than its last event")
    if not track.are_over:
        _refuse(track.at, "a track goes on after its end")


def _meta(track: _Bytes) -> tuple[int, bytes]:
    """A meta-event's type and data ("Meta-Events")."""
    start = track.at
    kind = track.number(1)
    data = track.take(track.quantity())
    if kind not in _META_OF_ANY_LENGTH and _META_BYTES.get(kind) != len(data):
        _refuse(start, f"there is no meta-event {kind:02X} of {len(data)} bytes")
    return kind, data


def _is_meta(event: _Event, kind: int) -> bool:
    return event.kind == _META << 8 | kind


def _name(events: Iterator[_Event]) -> str:
    """The name, which is a track's first event, and text in UTF-8."""
    event = next(events, None)
    if event is None or not _is_meta(event, _TRACK_NAME) or event.tick:
        _refuse(event.offset if event else 0, "a track does not begin with its name")
    try:
        return event.data.decode()
    except UnicodeDecodeError:
        _refuse(event.offset, "a name is not in UTF-8")


def _tempo_track(events: Iterator[_Event]) -> tuple[str, int, bytes]:
    """The name, the tempo and the time signature; the first track is the tempo map ("MIDI File Formats 0, 1 and 2")."""
    name = _name(events)
    told = {}
    for event in events:
        kind = event.kind & 0xFF
        if event.kind >> 8 != _META or kind not in {_TEMPO, _TIME_SIGNATURE} or event.tick or kind in told:
            _refuse(event.offset, "the first track has more than a tempo and a signature at its beginning")
        told[kind] = event.data
    if len(told) < 2:
        _refuse(0, "the first track does not tell the tempo and the time signature")
    return name, int.from_bytes(told[_TEMPO], "big"), told[_TIME_SIGNATURE]


def _track(events: Iterator[_Event]) -> Track:
    name = _name(events)
    first = next(events, None)
    if first is None:
        return Track(name, None, None, [])
    if first.kind != _PROGRAM_CHANGE or first.tick:
        _refuse(first.offset, "a track has something between its name and its program")
    program = first.data[0]
    if first.channel == DRUM_CHANNEL and program:
        _refuse(first.offset, "the drums are not the standard kit")
    notes = _notes(events, first.channel)
    if not notes:
        _refuse(first.offset, "a track has a program and no notes")
    return Track(name, first.channel, program, notes)


def _notes(events: Iterator[_Event], channel: int) -> list[Heard]:
    """The notes of a track that has nothing but notes from here on, all on one channel."""
    notes: list[Heard] = []
    sounding: dict[int, _Event] = {}
    before = (0, False, -1)
    for event in events:
        if event.kind not in {_NOTE_OFF, _NOTE_ON} or event.channel != channel:
            _refuse(event.offset, f"a track has something but notes on channel {channel}")
        pitch, velocity = event.data
        begins = event.kind == _NOTE_ON and velocity > 0
        moment = (event.tick, begins, pitch)
        if moment <= before:
            _refuse(event.offset, "at one tick note-offs come first, then note-ons, both by pitch")
        before = moment
        if begins:
            _begin(sounding, event)
        else:
            notes.append(_finished(sounding, event))
    for event in sounding.values():
        _refuse(event.offset, f"a note hangs: pitch {event.data[0]} never ends")
    return sorted(notes)


def _begin(sounding: dict[int, _Event], event: _Event) -> None:
    pitch = event.data[0]
    if pitch in sounding:
        _refuse(event.offset, f"pitch {pitch} begins while it sounds")
    sounding[pitch] = event


def _finished(sounding: dict[int, _Event], event: _Event) -> Heard:
    pitch = event.data[0]
    if pitch not in sounding:
        _refuse(event.offset, f"pitch {pitch} ends without having begun")
    begun = sounding.pop(pitch)
    return Heard(event.channel, begun.tick, event.tick, pitch, begun.data[1])

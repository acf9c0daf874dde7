"""From a file's bytes to what is in it, by mido: a reader that has nothing in common with our renderer."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from operator import attrgetter
from typing import Final, NamedTuple

import mido

from midi_ingest.inspection.chunks import Chunk, Chunks, split
from midi_ingest.inspection.clock import Clock
from midi_ingest.inspection.errors import Damaged, TooLarge
from midi_ingest.inspection.events import count_events
from midi_ingest.inspection.metas import keep_as_they_are
from midi_ingest.inspection.song import Note, Part, Song
from midi_ingest.inspection.track import Span, Track, track_of
from midi_ingest.terminal import counted

MAX_BYTES: Final = 4 * 1024 * 1024
"""The largest file that is read."""
MAX_EVENTS: Final = 530_000
"""The most events that are read, since mido makes an object of each. Our largest song has 2^18 notes of two events, and
a few events for each instrument."""
MAX_PARTS: Final = 16_384
"""The most that are shown, and the most tracks that are read: as many as 1,024 tracks have that play on 16 channels."""

_ONE_TRACK: Final = struct.pack(">4sIHHH", b"MThd", 6, 1, 1, 480)
_REFUSALS: Final = (EOFError, OSError, ValueError, LookupError)
"""What mido raises on bytes that are no track."""

_INDEPENDENT: Final = 2
"""The type of file whose tracks are songs of their own."""


class _Programs(NamedTuple):
    """A channel's programs: the ticks of its changes, and what is in force before, between and after them."""

    ticks: list[int]
    in_force: list[int]

    def of(self, spans: Sequence[Span]) -> list[int]:
        """The programs that notes are played with."""
        return list(dict.fromkeys(self.in_force[bisect_right(self.ticks, span.start)] for span in spans))


def read(data: bytes) -> Song:
    """The song in a file.

    Raises:
        Unreadable: it is no Standard MIDI File, damaged, or has more in it than is read.
    """
    keep_as_they_are()
    chunks = split(data)
    _allow(len(chunks.tracks), MAX_PARTS, "tracks")
    _allow(sum(_events(number, chunk) for number, chunk in enumerate(chunks.tracks)), MAX_EVENTS, "events")
    read_tracks = [_track(number, chunk) for number, chunk in enumerate(chunks.tracks)]
    tracks = [track for track, _ in read_tracks]
    clipped = [number for number, (_, clipped) in enumerate(read_tracks) if clipped]
    clocks = _clocks(chunks, tracks)
    parts = list(_parts(chunks, tracks, clocks))
    _allow(len(parts), MAX_PARTS, "parts, of a track and a channel each")
    return Song(
        type=chunks.type,
        division=chunks.division,
        tempos=clocks[0].tempos if clocks else [],
        seconds=max(
            (clock.seconds(track.end) for clock, track in zip(clocks, tracks, strict=True)), default=0
        ),
        track_count=len(tracks),
        parts=parts,
        remarks=[*chunks.remarks, *_remarks(chunks, tracks, clipped)],
    )


def _allow(count: int, most: int, what: str) -> None:
    if count > most:
        raise TooLarge(f"has {count:,} {what}; inspect reads {most:,} at most")


def _events(number: int, chunk: Chunk) -> int:
    with _place(number, chunk):
        return count_events(chunk.content)


def _track(number: int, chunk: Chunk) -> tuple[Track, bool]:
    """A track, and whether mido had to clip bytes in it to read it."""
    with _place(number, chunk):
        return _messages(chunk)


@contextmanager
def _place(number: int, chunk: Chunk) -> Iterator[None]:
    """Whatever says that a track is damaged, says which."""
    try:
        yield
    except TooLarge:
        raise
    except _REFUSALS as error:
        raise Damaged(f"track {number}, from byte {chunk.at:,} on: {_why(error)}") from error


def _why(error: Exception) -> str:
    """What mido found; where it has no words for it, ours."""
    match error:
        case EOFError():
            return "it ends within an event"
        case LookupError():
            return "an event is shorter than it must be"
    return str(error)


def _messages(chunk: Chunk) -> tuple[Track, bool]:
    """A track; data of other makers' (system exclusive) may hold bytes above 127, which mido takes clipped only."""
    file = _ONE_TRACK + struct.pack(">4sI", chunk.kind, len(chunk.content)) + chunk.content
    try:
        return track_of(mido.MidiFile(file=BytesIO(file)).tracks[0]), False
    except ValueError as error:
        if "data byte" not in str(error):
            raise
    return track_of(mido.MidiFile(file=BytesIO(file), clip=True).tracks[0]), True


def _clocks(chunks: Chunks, tracks: Sequence[Track]) -> list[Clock]:
    """Each track's clock: one for all of them, but in a file of songs that stand alone."""
    if chunks.type == _INDEPENDENT:
        return [Clock(chunks.division, track.tempos) for track in tracks]
    return [Clock(chunks.division, (tempo for track in tracks for tempo in track.tempos))] * len(tracks)


def _parts(chunks: Chunks, tracks: Sequence[Track], clocks: Sequence[Clock]) -> Iterator[Part]:
    everywhere = _by_channel(tracks)
    for number, (track, clock) in enumerate(zip(tracks, clocks, strict=True)):
        programs = _by_channel([track]) if chunks.type == _INDEPENDENT else everywhere
        for channel, spans in sorted(track.notes.items()):
            spans.sort()
            notes = [Note(clock.seconds(s.start), clock.seconds(s.end), s.pitch, s.velocity) for s in spans]
            yield Part(number, track.name or "", channel + 1, programs[channel].of(spans), notes)
        if not track.notes:
            yield from _silent(number, track)


def _silent(number: int, track: Track) -> Iterator[Part]:
    """The parts of a track without notes: what it would play."""
    programs: dict[int, list[int]] = defaultdict(list)
    for change in track.programs:
        programs[change.channel].append(change.program)
    for channel, chosen in sorted(programs.items()):
        yield Part(number, track.name or "", channel + 1, list(dict.fromkeys(chosen)), ())
    if not programs:
        yield Part(number, track.name or "", None, (), ())


def _by_channel(tracks: Iterable[Track]) -> dict[int, _Programs]:
    """What each channel plays in these tracks."""
    channels: dict[int, _Programs] = defaultdict(lambda: _Programs([], [0]))
    for change in sorted((c for track in tracks for c in track.programs), key=attrgetter("tick")):
        channels[change.channel].ticks.append(change.tick)
        channels[change.channel].in_force.append(change.program)
    return channels


def _remarks(chunks: Chunks, tracks: Sequence[Track], clipped: Sequence[int]) -> Iterator[str]:
    if chunks.type == _INDEPENDENT:
        yield "Each track is a song of its own (type 2); all are shown from 0 s on."
    if clipped:
        yield f"{_tracks(clipped)}: data above 127 was read as 127."
    if endless := [number for number, track in enumerate(tracks) if track.endless]:
        notes = counted(sum(track.endless for track in tracks), "note")
        yield f"{_tracks(endless)}: {notes} without an end, drawn until the track's."


def _tracks(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - 1:,} more" if len(numbers) > 1 else ""
    return f"Track {numbers[0]}{more}"

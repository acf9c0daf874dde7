"""The strict checker accepts a right file, and refuses each kind of wrong one, at the place where it is wrong."""

from __future__ import annotations

from typing import Final

import pytest

from tests.heard import Heard, Track
from tests.smf_checker import Refused, Song, check

HEADER: Final = "4d546864 00000006 0001 0004 01e0"
TEMPO: Final = "00 ff03 02 7431  00 ff51 03 07a120  00 ff58 04 04021808  00 ff2f 00"
VIOLIN: Final = (
    "00 ff03 02 c3a9  00 c0 28  00 90 3c 64  00 43 40  8740 3c 00  00 43 00  00 3c 64  05 3c 00  00 ff2f 00"
)
DRUMS: Final = "00 ff03 00  00 c9 00  05 99 49 7f  05 89 49 40  00 ff2f 00"
SILENT: Final = "00 ff03 01 53  00 ff2f 00"
TRACKS: Final = (TEMPO, VIOLIN, DRUMS, SILENT)


def file(*tracks: str, header: str = HEADER) -> bytes:
    return b"".join([bytes.fromhex(header), *map(chunk, map(bytes.fromhex, tracks))])


def chunk(events: bytes) -> bytes:
    return b"MTrk" + len(events).to_bytes(4) + events


GOOD: Final = file(*TRACKS)


def test_a_right_file_is_read() -> None:
    assert check(GOOD) == Song(
        division=480,
        name="t1",
        microseconds_per_quarter=500_000,
        time_signature=b"\x04\x02\x18\x08",
        tracks=[
            Track(
                "é", 1, 40, [Heard(1, 0, 960, 60, 100), Heard(1, 0, 960, 67, 64), Heard(1, 960, 965, 60, 100)]
            ),
            Track("", 10, 0, [Heard(10, 5, 10, 73, 127)]),
            Track("S", None, None, []),
        ],
    )


def test_the_longest_quantity_is_read() -> None:
    late = file(TEMPO, VIOLIN, DRUMS.replace("05 99", "ffffff7f 99"), SILENT)
    assert check(late).tracks[1].notes == [Heard(10, 0x0FFFFFFF, 0x0FFFFFFF + 5, 73, 127)]


def refused(damaged: bytes) -> tuple[int, str]:
    with pytest.raises(Refused) as refusal:
        check(damaged)
    return refusal.value.offset, str(refusal.value)


HEADERS: Final = {
    "no header": ("4d54726b 00000006 0001 0004 01e0", 0, "b'MTrk' instead of b'MThd'"),
    "a shorter header": ("4d546864 00000004 0001 0004", 12, "2 bytes are announced, and 0 are there"),
    "a longer header": ("4d546864 00000008 0001 0004 01e0 0000", 14, "longer than 6 bytes"),
    "format 0": ("4d546864 00000006 0000 0004 01e0", 8, "the format is 0"),
    "format 2": ("4d546864 00000006 0002 0004 01e0", 8, "the format is 2"),
    "no track": ("4d546864 00000006 0001 0000 01e0", 10, "there is no track"),
    "too few tracks": ("4d546864 00000006 0001 0005 01e0", 132, "4 bytes are announced, and 0 are there"),
    "too many tracks": ("4d546864 00000006 0001 0003 01e0", 115, "more than a header and 3 tracks"),
    "no ticks": ("4d546864 00000006 0001 0004 0000", 12, "not in ticks a quarter note"),
    "frames": ("4d546864 00000006 0001 0004 e728", 12, "not in ticks a quarter note"),
}


@pytest.mark.parametrize(("header", "offset", "rule"), HEADERS.values(), ids=HEADERS)
def test_a_wrong_header_is_refused(header: str, offset: int, rule: str) -> None:
    at, why = refused(file(*TRACKS, header=header))
    assert (at, rule in why) == (offset, True), why


# What is replaced in a track, and by what; "!" stands before the byte that is refused.
IN_A_TRACK: Final = {
    "a quantity of five bytes": (VIOLIN, "8740 3c", "!8180808000 3c", "more than four bytes"),
    "a quantity with a zero in front": (VIOLIN, "8740 3c", "!808740 3c", "begins with zeros"),
    "a length with a zero in front": (VIOLIN, "ff03 02", "ff03 !8002", "begins with zeros"),
    "no status at the beginning": (VIOLIN, "00 ff03 02 c3a9", "00 !3c 64", "has no status"),
    "no status after a meta-event": (VIOLIN, "00 90 3c 64", "00 ff01 00 00 !3c 64", "has no status"),
    "a pitch above 127": (VIOLIN, "90 3c 64", "90 !80 64", "top bit set"),
    "a velocity above 127": (VIOLIN, "90 3c 64", "90 !3c 80", "top bit set"),
    "a program above 127": (VIOLIN, "c0 28", "c0 !a8", "top bit set"),
    "a system message": (VIOLIN, "00 c0 28", "!00 f7 00 00 c0 28", "a system message"),
    "system exclusive": (VIOLIN, "00 c0 28", "!00 f0 01 f7 00 c0 28", "a system message"),
    "an unknown meta-event": (TEMPO, "00 ff58 04 04021808", "00 ff !60 00", "no meta-event 60 of 0 bytes"),
    "a tempo of two bytes": (TEMPO, "ff51 03 07a120", "ff !51 02 07a1", "no meta-event 51 of 2 bytes"),
    "a signature of five": (TEMPO, "ff58 04 04021808", "ff !58 05 0402180800", "no meta-event 58 of 5 bytes"),
    "an end with data": (SILENT, "ff2f 00", "ff !2f 01 00", "no meta-event 2F of 1 bytes"),
    "a name that is too long": (SILENT, "ff03 01", "ff03 7f !", "127 bytes are announced, and 5 are there"),
    "a name that is not in UTF-8": (VIOLIN, "00 ff03 02 c3a9", "!00 ff03 02 c3c3", "not in UTF-8"),
    "no name": (DRUMS, "00 ff03 00", "!", "does not begin with its name"),
    "a name that comes late": (SILENT, "00 ff03", "!05 ff03", "does not begin with its name"),
    "no end": (DRUMS, "00 ff2f 00", "!", "1 bytes are announced, and 0 are there"),
    "two ends": (DRUMS, "00 ff2f 00", "00 ff2f 00 !00 ff2f 00", "goes on after its end"),
    "events after the end": (DRUMS, "00 ff2f 00", "00 ff2f 00 !00 99 49 7f", "goes on after its end"),
    "an end that comes late": (DRUMS, "00 ff2f", "!05 ff2f", "later than its last event"),
    "a second tempo": (TEMPO, "00 ff58", "!00 ff51 03 07a120 00 ff58", "more than a tempo"),
    "a tempo that comes late": (TEMPO, "00 ff51", "!05 ff51", "more than a tempo"),
    "a text beside the tempo": (TEMPO, "00 ff58", "!00 ff01 00 00 ff58", "more than a tempo"),
    "a note beside the tempo": (TEMPO, "00 ff58", "!00 90 3c 64 00 ff58", "more than a tempo"),
    "a tempo in another track": (
        VIOLIN,
        "00 c0",
        "!00 ff51 03 07a120 00 c0",
        "between its name and its program",
    ),
    "a tempo among notes": (VIOLIN, "00 3c 64", "!00 ff51 03 07a120 00 90 3c 64", "something but notes"),
    "a second name": (VIOLIN, "00 c0 28", "!00 ff03 00 00 c0 28", "between its name and its program"),
    "no program": (VIOLIN, "00 c0 28  00 90", "!00 90", "between its name and its program"),
    "a program that comes late": (VIOLIN, "00 c0 28", "!05 c0 28", "between its name and its program"),
    "another program later on": (
        VIOLIN,
        "00 3c 64",
        "!00 c0 29 00 90 3c 64",
        "something but notes on channel 1",
    ),
    "another channel later on": (VIOLIN, "8740 3c 00", "!8740 91 3c 00", "something but notes on channel 1"),
    "a controller": (VIOLIN, "00 90 3c 64", "!00 b0 07 64 00 90 3c 64", "something but notes on channel 1"),
    "a program and no notes": (SILENT, "00 ff2f", "!00 c1 28 00 ff2f", "a program and no notes"),
    "drums of another kit": (DRUMS, "00 c9 00", "!00 c9 08", "not the standard kit"),
    "an on before an off": (VIOLIN, "00 43 00  00 3c 64", "00 3e 64  !00 43 00", "note-offs come first"),
    "offs that are not by pitch": (VIOLIN, "3c 00  00 43 00", "43 00  !00 3c 00", "note-offs come first"),
    "ons that are not by pitch": (VIOLIN, "3c 64  00 43 40", "43 64  !00 3c 40", "note-offs come first"),
    "a pitch twice at one tick": (VIOLIN, "00 43 40", "!00 3c 40", "note-offs come first"),
    "a pitch that already sounds": (VIOLIN, "8740 3c 00", "!8740 3c 64", "pitch 60 begins while it sounds"),
    "a note of no length": (DRUMS, "05 89 49 40", "!00 89 49 40", "note-offs come first"),
    "an off without an on": (DRUMS, "05 99 49 7f", "!05 99 49 00", "pitch 73 ends without having begun"),
    "an off too many": (DRUMS, "05 89 49 40", "05 89 49 40 !05 49 40", "pitch 73 ends without having begun"),
    "a note that hangs": (DRUMS, "05 99 49 7f  05 89 49 40", "!05 99 49 7f", "pitch 73 never ends"),
}


@pytest.mark.parametrize(("track", "old", "new", "rule"), IN_A_TRACK.values(), ids=IN_A_TRACK)
def test_a_wrong_track_is_refused(track: str, old: str, new: str, rule: str) -> None:
    assert track.count(old) == 1
    damaged = [each.replace(old, new) if each is track else each for each in TRACKS]
    place = TRACKS.index(track)
    before = file(*damaged[:place], damaged[place].partition("!")[0])
    offset, why = refused(file(*(each.replace("!", "") for each in damaged)))
    assert rule in why
    assert offset == len(before), why


WHOLE: Final = {
    "a first track without a tempo": ([TEMPO.replace("00 ff51 03 07a120", "")], "does not tell the tempo"),
    "one without a signature": ([TEMPO.replace("00 ff58 04 04021808", "")], "does not tell the tempo"),
    "a track with an end only": ([TEMPO, "00 ff2f 00"], "does not begin with its name"),
    "two tracks on a channel": ([TEMPO, VIOLIN, SILENT, VIOLIN], "two tracks share a channel"),
}


@pytest.mark.parametrize(("tracks", "rule"), WHOLE.values(), ids=WHOLE)
def test_what_is_wrong_with_a_track_or_a_file_as_a_whole_is_refused(tracks: list[str], rule: str) -> None:
    header = f"4d546864 00000006 0001 {len(tracks):04x} 01e0"
    assert rule in refused(file(*tracks, header=header))[1]


def test_another_chunk_instead_of_a_track_is_refused() -> None:
    damaged = GOOD.replace(b"MTrk", b"XFIH", 1)
    assert refused(damaged) == (14, "at byte 14: a chunk is b'XFIH' instead of b'MTrk'")


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    for length in range(len(GOOD)):
        refused(GOOD[:length])


def test_every_bit_counts() -> None:
    release_velocity = GOOD.index(b"\x89\x49") + 2  # nobody hears it
    for place in range(len(GOOD)):
        for bit in range(8):
            changed = bytearray(GOOD)
            changed[place] ^= 1 << bit
            assert place == release_velocity or said(bytes(changed)) != check(GOOD), (place, bit)


def said(changed: bytes) -> Song | None:
    try:
        return check(changed)
    except Refused:
        return None

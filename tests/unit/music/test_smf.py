"""The file's bytes (Standard MIDI Files 1.0)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.score import Instrument, Note, Score
from tests.unit.music.ways import by_columns
from workers.music import mido_renderer, smf

HEADER = bytes.fromhex("4d546864 00000006 0001")
TEMPO_AND_TIME = bytes.fromhex("00 ff51 03 07a120  00 ff58 04 04021808")
END_OF_TRACK = bytes.fromhex("00 ff2f 00")

Render = Callable[[Score], bytes]


def columns(score: Score) -> bytes:
    with by_columns():
        return smf.render(score)


pytestmark = pytest.mark.parametrize("render", [smf.render, columns, mido_renderer.render])


def score_of(*instruments: Instrument, task_id: str = "t1") -> Score:
    return Score(task_id=task_id, duration=0, warnings=[], instruments=list(instruments))


def chunks(file: bytes) -> list[bytes]:
    """What is in each track chunk."""
    contents = []
    at = 14
    while at < len(file):
        assert file[at : at + 4] == b"MTrk"
        length = int.from_bytes(file[at + 4 : at + 8])
        contents.append(file[at + 8 : at + 8 + length])
        at += 8 + length
    assert at == len(file)
    return contents


def test_a_file_written_out_by_hand(render: Render) -> None:
    violin = [Note(0, 960, 60, 100), Note(960, 1920, 60, 64), Note(960, 1920, 64, 1)]
    score = score_of(
        Instrument("Violin", 40, False, 1, 1, violin),
        Instrument("Drums", 0, True, 10, 2, [Note(5, 10, 73, 127)]),
        Instrument("", 73, False, None, 3, []),
    )
    assert render(score) == b"".join(
        [
            b"MThd" + bytes.fromhex("00000006 0001 0004 01e0"),
            b"MTrk" + bytes.fromhex("00000019"),
            bytes.fromhex("00 ff03 02") + b"t1",
            bytes.fromhex("00 ff51 03 07a120"),
            bytes.fromhex("00 ff58 04 04021808"),
            bytes.fromhex("00 ff2f 00"),
            b"MTrk" + bytes.fromhex("00000026"),
            bytes.fromhex("00 ff03 06") + b"Violin",
            bytes.fromhex("00 c0 28"),
            bytes.fromhex("00 90 3c 64"),
            bytes.fromhex("8740 3c 00  00 3c 40  00 40 01"),
            bytes.fromhex("8740 3c 00  00 40 00"),
            bytes.fromhex("00 ff2f 00"),
            b"MTrk" + bytes.fromhex("00000017"),
            bytes.fromhex("00 ff03 05") + b"Drums",
            bytes.fromhex("00 c9 00"),
            bytes.fromhex("05 99 49 7f  05 49 00"),
            bytes.fromhex("00 ff2f 00"),
            b"MTrk" + bytes.fromhex("00000008"),
            bytes.fromhex("00 ff03 00"),
            bytes.fromhex("00 ff2f 00"),
        ]
    )


def test_an_empty_score_is_a_valid_file(render: Render) -> None:
    file = render(score_of())
    assert file.startswith(HEADER + bytes.fromhex("0001 01e0"))
    assert chunks(file) == [b"\x00\xff\x03\x02t1" + TEMPO_AND_TIME + END_OF_TRACK]


def test_events_at_one_tick_are_offs_by_pitch_then_ons_by_pitch(render: Render) -> None:
    notes = [Note(0, 1, 10, 9), Note(0, 1, 30, 9), Note(1, 2, 5, 9), Note(1, 2, 10, 9), Note(1, 2, 20, 9)]
    [_, events] = chunks(render(score_of(Instrument("", 0, False, 1, 1, notes))))
    at_tick_1 = bytes.fromhex("01 0a00  00 1e00  00 0509  00 0a09  00 1409")
    assert events == bytes.fromhex("00 ff0300 00 c000 00 90 0a09 00 1e09") + at_tick_1 + (
        bytes.fromhex("01 0500  00 0a00  00 1400") + END_OF_TRACK
    )


def test_the_order_of_instruments_and_notes_that_share_a_track_does_not_matter(render: Render) -> None:
    first = Instrument("A", 0, True, 10, 1, [Note(5, 9, 60, 1), Note(20, 30, 62, 2)])
    between = Instrument("B", 40, False, 1, 2, [Note(0, 9, 60, 1)])
    second = Instrument("C", 0, True, 10, 1, [Note(0, 5, 60, 3), Note(20, 30, 61, 4)])
    [_, shared, alone] = chunks(render(score_of(first, between, second)))
    events = bytes.fromhex("00 99 3c03 05 3c00 00 3c01 04 3c00 0b 3d04 00 3e02 0a 3d00 00 3e00")
    assert shared == b"\x00\xff\x03\x05A + C" + bytes.fromhex("00 c900") + events + END_OF_TRACK
    assert alone.startswith(b"\x00\xff\x03\x01B" + bytes.fromhex("00 c028 00 90"))


@pytest.mark.parametrize(
    ("tick", "delta"),
    [
        (0x00, "00"),
        (0x7F, "7f"),
        (0x80, "8100"),
        (2047, "8f7f"),
        (2048, "9000"),
        (0x3FFF, "ff7f"),
        (0x4000, "818000"),
        (0x1FFFFF, "ffff7f"),
        (0x200000, "81808000"),
        (82_944_000, "a7c6c000"),
    ],
)
def test_deltas_are_variable_length_quantities(render: Render, tick: int, delta: str) -> None:
    [_, events] = chunks(render(score_of(Instrument("", 0, False, 16, 1, [Note(tick, tick + 5, 0, 1)]))))
    expected = "00 ff0300 00 cf00" + delta + "9f 0001 05 0000" + "00 ff2f00"
    assert events == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a" * 127, b"\x7f" + b"a" * 127),
        ("a" * 128, b"\x81\x00" + b"a" * 128),
        ("a" * 255, b"\x81\x7f" + b"a" * 255),
        ("a" * 256, b"\x81\x7f" + b"a" * 255),
        ("é" * 128, b"\x81\x7e" + "é".encode() * 127),
        ("a" + "é" * 127, b"\x81\x7f" + b"a" + "é".encode() * 127),
        ("aa" + "😀" * 64, b"\x81\x7e" + b"aa" + "😀".encode() * 63),
        ("鋼琴\x00\n", b"\x08" + "鋼琴\x00\n".encode()),
    ],
)
def test_names_are_utf_8_cut_to_255_bytes_at_a_characters_end(render: Render, name: str, kept: bytes) -> None:
    [tempo_track, track] = chunks(render(score_of(Instrument(name, 0, False, None, 1, []), task_id=name)))
    assert tempo_track == b"\x00\xff\x03" + kept + TEMPO_AND_TIME + END_OF_TRACK
    assert track == b"\x00\xff\x03" + kept + END_OF_TRACK


def test_a_joined_name_is_cut_as_a_whole(render: Render) -> None:
    halves = [Instrument(half * 130, 0, True, 10, 1, []) for half in "ab"]
    [_, track] = chunks(render(score_of(*halves)))
    assert track.startswith(b"\x00\xff\x03\x81\x7f" + b"a" * 130 + b" + " + b"b" * 122 + b"\x00\xc9")


def test_1024_instruments_are_1025_tracks(render: Render) -> None:
    file = render(score_of(*(Instrument("", 0, False, None, track, []) for track in range(1, 1025))))
    assert file.startswith(HEADER + bytes.fromhex("0401 01e0"))
    assert len(chunks(file)) == 1025

"""From a callback's body to the score."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.score import Instrument, Note, Score
from tests.unit.music.soundness import assert_sound
from tests.unit.music.ways import by_columns, note_by_note
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.names import DRUMS, Names, Sound
from workers.music.normalize import normalize


@pytest.fixture(autouse=True, params=[by_columns, note_by_note])
def _either_way(request: pytest.FixtureRequest) -> Iterator[None]:
    with request.param():
        yield


SENDERS_SAMPLE = b"""{
  "task_id": "5c79****be8e", "code": 200, "msg": "success",
  "data": {"state": "complete", "instruments": [
    {"name": "Drums", "notes": [
      {"pitch": 73, "start": "0.036458333333333336", "end": "0.18229166666666666", "velocity": 1},
      {"pitch": 61, "start": 0.046875, "end": "0.19270833333333334", "velocity": 1},
      {"pitch": 73, "start": 0.1875, "end": "0.4895833333333333", "velocity": 1}]},
    {"name": "Electric Bass (finger)", "notes": [
      {"pitch": 44, "start": 7.6875, "end": "7.911458333333333", "velocity": 1},
      {"pitch": 56, "start": 7.6875, "end": "7.911458333333333", "velocity": 1},
      {"pitch": 51, "start": 7.6875, "end": "7.911458333333333", "velocity": 1}]}]}}"""


def score_of(*instruments: object) -> Score:
    body = json.dumps({"data": {"instruments": instruments}}).encode()
    return normalize(body, "a-task")


def note(pitch: int = 60, start: float = 0, end: float = 1, velocity: float = 1) -> dict[str, float]:
    return {"pitch": pitch, "start": start, "end": end, "velocity": velocity}


def named(*names: object, notes: Sequence[object] = (note(),)) -> list[dict[str, object]]:
    return [{"name": name, "notes": notes} for name in names]


def warnings(score: Score) -> dict[str, tuple[int, str]]:
    return {warning.code: (warning.count, warning.first) for warning in score.warnings}


def seats(score: Score) -> list[tuple[int | None, int]]:
    return [(instrument.channel, instrument.track) for instrument in score.instruments]


def test_the_senders_sample_becomes_exact_ticks() -> None:
    drums = [Note(35, 175, 73, 127), Note(45, 185, 61, 127), Note(180, 470, 73, 127)]
    bass = [Note(7380, 7595, 44, 127), Note(7380, 7595, 51, 127), Note(7380, 7595, 56, 127)]
    assert normalize(SENDERS_SAMPLE, "5c79****be8e") == Score(
        task_id="5c79****be8e",
        duration=7595,
        warnings=[],
        instruments=[
            Instrument("Drums", 0, True, 10, 1, drums),
            Instrument("Electric Bass (finger)", 33, False, 1, 2, bass),
        ],
    )


def test_a_score_survives_its_record() -> None:
    score = normalize(SENDERS_SAMPLE, "5c79****be8e")
    assert Score.decode(score.encode()) == score


@pytest.mark.parametrize("data", ["{}", '{"instruments": null}', '{"instruments": []}'])
def test_without_instruments_the_score_is_empty(data: str) -> None:
    score = normalize(f'{{"data": {data}}}'.encode(), "a-task")
    assert (score.task_id, score.duration, score.instruments) == ("a-task", 0, [])
    assert warnings(score) == {"no-instruments": (1, "instruments")}


@pytest.mark.parametrize("instrument", [{}, {"notes": None}, {"notes": []}])
def test_an_instrument_without_notes_stays_without_a_channel(instrument: dict[str, object]) -> None:
    score = score_of(*named("Flute"), instrument | {"name": "Violin"})
    assert score.instruments[1] == Instrument("Violin", 40, False, None, 2, [])
    assert warnings(score) == {"no-notes": (1, "instruments[1]")}


@pytest.mark.parametrize(
    "dropped",
    [
        None,
        1,
        "Violin",
        [],
        True,
        {"name": "Violin", "notes": {}},
        {"notes": 0},
        {"notes": ""},
        {"notes": False},
    ],
)
def test_what_is_no_instrument_is_dropped_and_paths_count_it_still(dropped: object) -> None:
    score = score_of(dropped, *named("Flute", notes=[note(), 0]), dropped)
    assert score.instruments == [Instrument("Flute", 73, False, 1, 1, [Note(0, 960, 60, 127)])]
    assert warnings(score) == {"not-an-object": (3, "instruments[0]")}


def test_an_instrument_whose_notes_are_all_dropped_stays_without_a_channel() -> None:
    score = score_of(*named("Drums", "Flute", notes=[note(end=-1)]), *named("Violin"))
    assert seats(score) == [(None, 1), (None, 2), (1, 3)]
    assert warnings(score) == {"negative-length": (2, "instruments[0].notes[0]")}


@pytest.mark.parametrize(
    "instrument",
    [{}, *({"name": name} for name in (None, 7, 40.0, True, ["Violin"], {"name": "Violin"}, ""))],
    ids=str,
)
def test_an_absent_name_is_empty_and_unknown(instrument: dict[str, object]) -> None:
    score = score_of(instrument | {"notes": [note()]})
    assert (score.instruments[0].name, score.instruments[0].program) == ("", 0)
    assert warnings(score) == {"unknown-instrument": (1, "instruments[0]")}


def test_an_unknown_name_stays_as_received_and_plays_a_piano() -> None:
    score = score_of(*named("Flute", " Скрипка\n"))
    assert score.instruments[1] == Instrument(" Скрипка\n", 0, False, 2, 2, [Note(0, 960, 60, 127)])
    assert warnings(score) == {"unknown-instrument": (1, "instruments[1]")}


def test_a_users_aliases_name_instruments() -> None:
    body = json.dumps({"data": {"instruments": named("Скрипка 7", "鋼琴", "Beatbox 2")}}).encode()
    names = Names([("7", Sound(40)), ("鋼琴", Sound(1)), ("Beatbox", DRUMS)])
    score = normalize(body, "a-task", names)
    assert [(i.program, i.drums, i.channel) for i in score.instruments] == [
        (40, False, 1),
        (1, False, 2),
        (0, True, 10),
    ]
    assert score.warnings == []


def test_a_velocity_above_2_of_a_dropped_note_does_not_choose_the_scale() -> None:
    score = score_of(*named("Flute", notes=[note(velocity=90, end=-1), note(velocity=0.5)]))
    assert score.instruments[0].notes == [Note(0, 960, 60, 64)]
    assert warnings(score) == {"negative-length": (1, "instruments[0].notes[0]")}


def test_instruments_with_a_track_each_may_play_one_note_at_once() -> None:
    score = score_of(*named("Violin", "Violin"))
    assert [instrument.notes for instrument in score.instruments] == [[Note(0, 960, 60, 127)]] * 2
    assert warnings(score) == {}


def test_repeats_and_overlaps_are_told_by_the_place_received() -> None:
    notes = [note(start=2, end=3), note(start=0, end=5), note(start=2, end=4)]
    score = score_of(*named("Flute"), *named("Violin", notes=notes))
    assert score.instruments[1].notes == [Note(0, 1920, 60, 127), Note(1920, 3840, 60, 127)]
    assert warnings(score) == {
        "repeated-note": (1, "instruments[1].notes[2]"),
        "overlap-trimmed": (1, "instruments[1].notes[1]"),
    }


def test_drums_share_a_track_where_repeats_and_overlaps_are_settled_as_one() -> None:
    later = [note(velocity=0.5, end=2), note(start=1.5, end=3), note(pitch=61)]
    score = score_of(*named("Drums"), *named("Flute"), *named("Percussion", notes=later))
    assert seats(score) == [(10, 1), (1, 2), (10, 1)]
    assert score.instruments[0].notes == [Note(0, 1440, 60, 127)]
    assert score.instruments[2].notes == [Note(0, 960, 61, 127), Note(1440, 2880, 60, 127)]
    assert warnings(score) == {
        "repeated-note": (1, "instruments[2].notes[0]"),
        "overlap-trimmed": (1, "instruments[0].notes[0]"),
    }


def test_above_15_the_score_shows_who_shares_with_the_groups_program() -> None:
    names = ["Trumpet", "Tuba", "Violin", "Oboe", "Sitar", "Koto", "Celesta", "Harmonica", "Clarinet"]
    names += ["Flute", "Timpani", "Acoustic Bass", "Drawbar Organ", "Piano", "Voice", "Banjo"]
    score = score_of(*named(*names))
    programs = {instrument.name: instrument.program for instrument in score.instruments}
    channels = {instrument.name: instrument.channel for instrument in score.instruments}
    assert (programs["Trumpet"], programs["Tuba"]) == (56, 56)
    assert (programs["Sitar"], programs["Koto"], programs["Banjo"]) == (104, 104, 104)
    assert channels["Tuba"] == 1
    assert channels["Koto"] == channels["Banjo"] == channels["Sitar"] == 4
    assert score.instruments[1].notes == []  # its only note repeats the trumpet's
    assert warnings(score)["channels-shared"] == (11, "instruments[0]")


def test_an_overlap_between_instruments_that_share_is_trimmed() -> None:
    first, second = named("Violin", notes=[note(end=5)]), named("Violin", notes=[note(start=1, end=2)])
    others = named(
        *[f"Lead {i} ({n})" for i, n in [(1, "square"), (2, "sawtooth"), (3, "calliope")]], "Piano", "Viola"
    )
    others += named("Cello", "Flute", "Tuba", "Oboe", "Sitar", "Koto", "Harmonica", "Timpani", "Celesta")
    score = score_of(*first, *others, *second)
    assert seats(score)[0] == seats(score)[-1] == (1, 1)
    assert score.instruments[0].notes == [Note(0, 960, 60, 127)]
    assert score.instruments[-1].notes == [Note(960, 1920, 60, 127)]
    assert warnings(score) == {
        "channels-shared": (2, "instruments[0]"),
        "overlap-trimmed": (1, "instruments[0].notes[0]"),
    }


def test_an_overflowing_number_drops_its_note_only() -> None:
    body = json.dumps({"data": {"instruments": named("Flute", notes=[note(end=2), note()])}})
    score = normalize(body.replace('"end": 2', '"end": 1e400').encode(), "a-task")
    assert score.instruments[0].notes == [Note(0, 960, 60, 127)]
    assert warnings(score) == {"not-a-number": (1, "instruments[0].notes[0]")}


def test_the_two_refusals_pass_through() -> None:
    with pytest.raises(InvalidPayload):
        normalize(b"[", "a-task")
    with pytest.raises(TooLarge):
        score_of(*[None] * 1025)


JUNK: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["1.5", "-2", "1e400", "60", " 7 ", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
TIMES = st.integers(-2, 12).map(lambda step: step / 192) | st.sampled_from([0.0001, "0.03125", 86400, 86401])
NOTES = st.fixed_dictionaries(
    {"pitch": st.integers(59, 61) | JUNK, "start": TIMES | JUNK, "end": TIMES | JUNK},
    optional={"velocity": st.sampled_from([1, 0.5, "0.25", 0, 63 / 127, 100]) | JUNK},
)
NAMES = st.sampled_from(
    ["Drums", "Kit", "Violin", "Viola", "Lead Guitar", "Gunshot", "Koto", "", "?"]
) | st.text(max_size=5)
INSTRUMENTS = st.fixed_dictionaries(
    {}, optional={"name": NAMES | JUNK, "notes": st.lists(NOTES | JUNK, max_size=5) | JUNK}
)
BODIES = st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"instruments": st.lists(INSTRUMENTS | JUNK, max_size=25)})}
)


@settings(max_examples=150, deadline=None)
@given(BODIES | JUNK)
def test_any_json_becomes_a_sound_score_or_one_of_two_refusals(body: object) -> None:
    try:
        score = normalize(json.dumps(body).encode(), "a-task")
    except (InvalidPayload, TooLarge):
        return
    assert_sound(score)
    assert normalize(json.dumps(body).encode(), "a-task") == score


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_that_are_no_callback_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        normalize(body, "a-task")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SENDERS_SAMPLE) - 1), st.integers(0, 255))
def test_one_wrong_byte_raises_nothing_else(position: int, byte: int) -> None:
    body = SENDERS_SAMPLE[:position] + bytes((byte,)) + SENDERS_SAMPLE[position + 1 :]
    try:
        score = normalize(body, "a-task")
    except InvalidPayload:
        return
    assert_sound(score)

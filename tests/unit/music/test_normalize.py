"""From a callback's body to the score."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from schemas.score import Instrument, Note, Score
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


def test_the_two_refusals_pass_through() -> None:
    with pytest.raises(InvalidPayload):
        normalize(b"[", "a-task")
    with pytest.raises(TooLarge):
        score_of(*[None] * 1025)

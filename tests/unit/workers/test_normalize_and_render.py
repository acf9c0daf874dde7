"""The two workers that are music: what they make of a body, and of what cannot be music."""

from __future__ import annotations

import json

import pytest

from midi_ingest import samples
from schemas import headers as h
from schemas.file import MidiFile
from schemas.score import Score
from schemas.topics import FAILURES
from tests.unit.schemas.dialects import senders
from tests.unit.workers.records import RECEIPT, Lane, only, record
from workers.normalize import normalize
from workers.render import RENDERERS, render
from workers.runtime.record import Record, Write
from workers.settings import WorkerSettings


def passed_to(topic: str, write: Write) -> Record:
    return record(write.value, key=write.key, topic=f"midi.{topic}", headers=write.headers)


def test_the_senders_sample_becomes_a_score_and_a_file() -> None:
    task = record(samples.sample(), key="5c79****be8e", topic="midi.tasks")
    scored = only(Score, Lane(normalize).handle(task))
    score = Score.decode(scored.value or b"")
    assert score.task_id == "5c79****be8e"
    assert [(i.name, len(i.notes)) for i in score.instruments] == [
        ("Drums", 3),
        ("Electric Bass (finger)", 3),
    ]
    rendered = only(MidiFile, Lane(render).handle(passed_to("scores", scored)))
    assert (rendered.value or b"").startswith(b"MThd")
    assert rendered.headers[h.CONTENT_TYPE] == "audio/midi"


@pytest.mark.parametrize("sender", senders.SENDERS)
@pytest.mark.parametrize("named", ["auto", "its own"])
def test_one_song_is_the_same_score_whoever_sent_it(sender: str, named: str) -> None:
    song = json.loads(samples.song("a1", 200))["data"]["instruments"]
    headers = {**RECEIPT, h.DIALECT: sender if named == "its own" else named}
    task = record(senders.success(sender, song), topic="midi.tasks", headers=headers)
    expected = record(samples.song("a1", 200), topic="midi.tasks")
    assert (
        only(Score, Lane(normalize).handle(task)).value == only(Score, Lane(normalize).handle(expected)).value
    )


@pytest.mark.parametrize("body", senders.MIXTURES)
def test_a_mixture_becomes_a_score(body: bytes) -> None:
    written = only(Score, Lane(normalize).handle(record(body, topic="midi.tasks", headers={})))
    assert [warning.code for warning in Score.decode(written.value or b"").warnings] == ["no-instruments"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"data": {"instruments": 7}}', b'{"data": NaN}'])
def test_a_body_that_is_no_song_is_rejected_for_good(body: bytes) -> None:
    failure = only(FAILURES, Lane(normalize).handle(record(body, topic="midi.tasks")))
    assert failure.headers[h.ERROR_REASON] == "invalid-payload"


def test_a_song_with_too_many_instruments_is_too_large() -> None:
    body = b'{"task_id": "a1", "data": {"instruments": [' + b",".join([b"{}"] * 1025) + b"]}}"
    failure = only(FAILURES, Lane(normalize).handle(record(body, topic="midi.tasks")))
    assert failure.headers[h.ERROR_REASON] == "too-large"


@pytest.mark.parametrize("name", RENDERERS)
def test_the_renderer_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENDERERS, name, lambda score: score.task_id.encode())
    settings = WorkerSettings.model_validate({"renderer": name})
    score = Score(task_id="a1", duration=0, warnings=[], instruments=[])
    batch = Lane(render, settings).handle(record(score.encode(), topic="midi.scores"))
    assert only(MidiFile, batch).value == b"a1"

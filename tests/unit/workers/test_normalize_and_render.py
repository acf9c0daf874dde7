"""The two workers that are music: what they make of a body, and of what cannot be music."""

from __future__ import annotations

import json
import typing

import pytest

from midi_ingest import samples
from midi_ingest.testing import Harness
from schemas import headers as h
from schemas.callback import Task
from schemas.dialects.depth import MAX_CONTAINERS
from schemas.file import MidiFile
from schemas.score import Score
from tests.unit.schemas.dialects import senders
from workers.music import mido_renderer
from workers.music.body import MAX_INSTRUMENTS
from workers.normalize import normalize
from workers.render import RENDERERS, render
from workers.settings import WorkerSettings


def test_the_senders_sample_becomes_a_score_and_a_file() -> None:
    (score,) = Harness(normalize).send(Task(samples.sample()), key="5c79****be8e")
    assert score.task_id == "5c79****be8e"
    assert [(i.name, len(i.notes)) for i in score.instruments] == [
        ("Drums", 3),
        ("Electric Bass (finger)", 3),
    ]
    rendering = Harness(render)
    (file,) = rendering.send(score)
    assert file.body.startswith(b"MThd")
    assert rendering.written[0].headers[h.CONTENT_TYPE] == "audio/midi"


@pytest.mark.parametrize("sender", senders.SENDERS)
@pytest.mark.parametrize("named", ["auto", "its own"])
def test_one_song_is_the_same_score_whoever_sent_it(sender: str, named: str) -> None:
    song = json.loads(samples.song("a1", 200))["data"]["instruments"]
    headers = {h.DIALECT: sender if named == "its own" else named}
    scores = Harness(normalize).send(Task(senders.success(sender, song)), key="a1", headers=headers)
    assert scores == Harness(normalize).send(Task(samples.song("a1", 200)), key="a1")


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize(
    ("alias", "name", "program", "drums"),
    [
        ("Fiddle=Violin", "fiddle 2", 40, False),
        ("Скрипка=40", "Скрипка", 40, False),
        ("Piano=19", "Piano", 19, False),
        ("Beatbox=drums", "Beatbox", 0, True),
    ],
)
def test_a_users_alias_names_the_instruments_of_a_callback(
    alias: str, name: str, program: int, drums: bool, count: int
) -> None:
    note = {"pitch": 60, "start": 0, "end": 1, "velocity": 1}
    instruments = [{"name": name, "notes": [note] * count}]
    body = json.dumps({"task_id": "a1", "code": 200, "data": {"instruments": instruments}}).encode()
    (score,) = Harness(normalize, instrument_aliases=f"Lute=25,{alias}").send(Task(body))
    assert [(i.name, i.program, i.drums) for i in score.instruments] == [(name, program, drums)]
    assert "unknown-instrument" not in [warning.code for warning in score.warnings]


@pytest.mark.parametrize("body", senders.MIXTURES)
def test_a_mixture_becomes_a_score(body: bytes) -> None:
    (score,) = Harness(normalize).send(Task(body))
    assert [warning.code for warning in score.warnings] == ["no-instruments"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"data": {"instruments": 7}}', b'{"data": NaN}'])
def test_a_body_that_is_no_song_is_rejected_for_good(body: bytes) -> None:
    harness = Harness(normalize)
    assert harness.send(Task(body)) == []
    assert [letter.reason for letter in harness.dead_letters] == ["invalid-payload"]


def test_a_song_with_too_many_instruments_is_too_large() -> None:
    harness = Harness(normalize)
    harness.send(Task(b'{"task_id": "a1", "data": {"instruments": [' + b",".join([b"{}"] * 1025) + b"]}}"))
    assert [letter.reason for letter in harness.dead_letters] == ["too-large"]


def test_either_renderer_that_can_be_set_writes_the_same_file() -> None:
    assert set(typing.get_args(WorkerSettings.model_fields["renderer"].annotation)) == set(RENDERERS)
    (score,) = Harness(normalize).send(Task(samples.sample()))
    fast, reference = (Harness(render, renderer=name).send(score) for name in ("fast", "mido"))
    assert fast == reference == [MidiFile(mido_renderer.render(score))]


def test_a_body_of_too_many_arrays_and_objects_is_too_large() -> None:
    harness = Harness(normalize)
    harness.send(Task(b'{"task_id": "a1", "data": {"more": [' + b",".join([b"{}"] * MAX_CONTAINERS) + b"]}}"))
    assert [letter.reason for letter in harness.dead_letters] == ["too-large"]


def test_a_score_beyond_the_record_limit_is_too_large_and_not_tried_again() -> None:
    body = senders.success("sunoapi.org", [{"name": "x" * 2**20, "notes": []}])
    harness = Harness(normalize, max_body_bytes=1024)
    assert harness.send(Task(body)) == []
    [letter] = harness.failed
    assert (letter.reason, letter.retry_in) == ("too-large", None)
    assert "fit a record" in letter.message


def test_a_body_as_large_as_may_be_becomes_a_score_that_fits() -> None:
    instruments = [
        {"name": "\x01" * 1300, "notes": []}
    ] * MAX_INSTRUMENTS  # six bytes a character, as in the score
    body = senders.success("sunoapi.org", instruments)
    harness = Harness(normalize, max_body_bytes=len(body))
    assert len(harness.send(Task(body))) == 1
    assert not harness.failed


@pytest.mark.parametrize("name", RENDERERS)
def test_the_renderer_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENDERERS, name, lambda score: score.task_id.encode())
    score = Score(task_id="a1", duration=0, warnings=[], instruments=[])
    assert Harness(render, renderer=name).send(score) == [MidiFile(b"a1")]

"""Callbacks to try things with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from midi_ingest import samples
from schemas.dialects import Meaning, NotACallback, NotJson, read_callback, read_envelope


def meaning(body: bytes) -> Meaning:
    return read_callback(body).meaning


def test_the_sample_is_the_file_byte_for_byte_and_a_success() -> None:
    assert samples.sample() == (Path(samples.__file__).parent / "callback.json").read_bytes()
    assert read_envelope(samples.sample())[0] == "5c79****be8e"
    assert meaning(samples.sample()) is Meaning.SUCCESS


@pytest.mark.parametrize("notes", [1, 2, 4, 5, 6, 99, 1000])
def test_a_song_is_a_success_with_as_many_notes_as_asked_for(notes: int) -> None:
    body = samples.song("a1", notes)
    assert read_envelope(body)[0] == "a1"
    assert meaning(body) is Meaning.SUCCESS
    instruments = json.loads(body)["data"]["instruments"]
    assert sum(len(instrument["notes"]) for instrument in instruments) == notes
    assert all(instrument["notes"] for instrument in instruments)


def test_a_song_is_the_same_for_the_same_arguments_only() -> None:
    assert samples.song("a1", 50) == samples.song("a1", 50)
    assert len({samples.song("a1", 50), samples.song("b2", 50), samples.song("a1", 50, seed=1)}) == 3


def test_a_songs_numbers_are_written_as_the_sender_writes_them() -> None:
    notes = [note for i in json.loads(samples.song("a1", 500))["data"]["instruments"] for note in i["notes"]]
    times = [time for note in notes for time in (note["start"], note["end"])]
    assert {type(time) for time in times} == {str, float}
    for time in times:
        digits = len(str(time).replace(".", ""))
        assert digits >= 16 if isinstance(time, str) else digits < 16
        assert abs(float(time) * 192 - round(float(time) * 192)) < 1e-9
    assert all(float(note["start"]) < float(note["end"]) for note in notes)
    assert all(0 <= note["pitch"] <= 127 and 0 < note["velocity"] <= 1 for note in notes)


@pytest.mark.parametrize(
    "body",
    [
        samples.sample(),
        b'{"task_id": "old", "code": 200, "data": {"instruments": []}}',
        b'{"taskId": "old", "code": 200, "data": {}}',
        b'{"task_id": "old", "taskId": "old", "code": 200, "data": {}}',
        b'{"code": 200, "data": {"taskId": "old"}}',
        b'{"success": true, "task_id": "old", "data": [{"instruments": []}]}',
        b'{"success": true, "data": [{"taskId": "old", "instruments": []}]}',
    ],
)
def test_a_renamed_callback_is_the_same_callback_of_another_task(body: bytes) -> None:
    renamed = samples.renamed(body, "new")
    assert read_envelope(renamed) == ("new", read_envelope(body).dialect)
    assert json.loads(renamed.replace(b"new", b"old")) == json.loads(body.replace(b"5c79****be8e", b"old"))
    assert meaning(renamed) is meaning(body) is Meaning.SUCCESS


def test_every_malformed_body_is_refused_for_another_reason() -> None:
    whys = set()
    for body in samples.MALFORMED:
        with pytest.raises((NotJson, NotACallback)) as refused:
            read_envelope(body)
        whys.add(str(refused.value))
    assert len(whys) == len(samples.MALFORMED)

"""From a POST to a MIDI file, through real processes and a real Kafka."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import mido
import pytest

from broker import topics
from midi_ingest import samples
from midi_ingest.commands.topics import wanted
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus, letter_key
from schemas.file import MidiFile
from schemas.message import Message
from schemas.score import Score
from schemas.topics import DEAD_LETTER
from tests.installation import Installation, installed
from tests.topics import Seen, delete_topics, make_settings, read_all, read_until
from workers.store import folder_name

SAMPLE_ID = "5c79****be8e"


@pytest.fixture(scope="module")
async def system(kafka_servers: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One installation for this file: starting six processes takes seconds. Each test has tasks of its own."""
    folder = tmp_path_factory.mktemp("system")
    settings = make_settings(kafka_servers, folder)
    await topics.apply(settings, wanted(settings))
    async with installed(settings, folder, MIDI_INGEST_INSTRUMENT_ALIASES="Скрипка=Violin") as installation:
        yield installation
    await delete_topics(settings)


async def test_the_senders_own_example_becomes_a_midi_file_with_its_notes(system: Installation) -> None:
    assert await system.exchange("POST", system.url, samples.sample()) == (200, b'{"status":"received"}')

    (outcome,) = await system.outcomes(SAMPLE_ID)
    assert (outcome.status, outcome.warnings) == ("complete", [])
    assert outcome.file
    assert _notes(Path(outcome.file)) == {
        "Drums": [(35, 175, 73), (45, 185, 61), (180, 470, 73)],
        "Electric Bass (finger)": [(7380, 7595, 44), (7380, 7595, 51), (7380, 7595, 56)],
    }
    folder = Path(outcome.file).parent
    assert folder.name == folder_name(SAMPLE_ID) == "5c79%2A%2A%2A%2Abe8e"
    assert (folder / "callback.json").read_bytes() == samples.sample()
    assert json.loads((folder / "score.json").read_bytes())["task_id"] == SAMPLE_ID


async def test_every_topic_carries_the_key_and_the_headers_that_the_design_names(
    system: Installation,
) -> None:
    body = samples.song("headers", 20)
    await system.post(body)
    await system.outcomes("headers")

    (callback,) = await _of(system, Callback, "headers")
    assert callback.value == body
    assert callback.headers[h.CE_TYPE] == "midi.callback"
    assert callback.headers[h.DIALECT] == "sunoapi.org"
    assert callback.headers[h.ORIGIN] == "callback"
    json_body, midi = "application/json", "audio/midi"
    kinds: list[tuple[type[Message], str]] = [(Task, json_body), (Score, json_body), (MidiFile, midi)]
    for kind, content_type in kinds:
        (record,) = await _of(system, kind, "headers")
        assert record.partition == callback.partition
        assert record.headers == {
            **callback.headers,
            h.CE_TYPE: kind.kind,
            h.CONTENT_TYPE: content_type,
            h.SCHEMA: "1",
        }


async def test_a_repeated_callback_is_rendered_once(system: Installation) -> None:
    body = samples.song("repeated", 20)
    for _ in range(3):
        assert await system.post(body) == 200
    await system.settled()

    assert len(await _of(system, Callback, "repeated")) == 3
    for kind in (Task, Score, MidiFile):
        assert len(await _of(system, kind, "repeated")) == 1
    assert await _letters(system, "repeated") == []


async def test_a_failure_of_the_sender_is_an_outcome_and_a_dead_letter(system: Installation) -> None:
    body = b'{"task_id":"broken","code":500,"msg":"MIDI generation failed","data":null}'
    await system.post(body)
    await system.post(body)

    (outcome,) = await system.outcomes("broken")
    assert (outcome.status, outcome.reason) == ("failed", "provider-failed")
    assert outcome.message == "MIDI generation failed"
    await system.settled()
    (letter,) = await _letters(system, "broken")
    assert letter.value == body
    assert letter.headers[h.ERROR_REASON] == "provider-failed"
    assert letter.headers[h.ERROR_WORKER] == "deduplicate"
    assert letter.headers[h.ERROR_ATTEMPTS] == "1"


async def test_a_task_that_is_still_running_is_not_touched(system: Installation) -> None:
    await system.post(b'{"task_id":"running","code":200,"data":{"state":"running"}}')
    await system.post(samples.song("running", 5))

    (outcome,) = await system.outcomes("running")
    assert outcome.status == "complete"
    assert await _letters(system, "running") == []


async def test_a_success_after_a_failure_completes_the_task_and_resolves_its_letter(
    system: Installation,
) -> None:
    await system.post(b'{"task_id":"late","code":500,"msg":"try again","data":null}')
    await system.outcomes("late")
    await system.post(samples.song("late", 5))

    outcomes = await system.outcomes("late", 2)
    assert [outcome.status for outcome in outcomes] == ["failed", "complete"]
    (letter,) = await _letters(system, "late")
    position = (
        letter.headers[h.ERROR_TOPIC],
        int(letter.headers[h.ERROR_PARTITION]),
        int(letter.headers[h.ERROR_OFFSET]),
    )
    key = letter_key("deduplicate", *position)
    (status,) = [s for s in await read_all(system.settings, DeadLetterStatus.topic) if s.key == key]
    assert DeadLetterStatus.decode(status.value).status == "resolved"


async def test_another_result_for_a_complete_task_is_a_dead_letter_and_the_first_one_stands(
    system: Installation,
) -> None:
    first, second = samples.song("conflict", 5, seed=1), samples.song("conflict", 5, seed=2)
    await system.post(first)
    (outcome,) = await system.outcomes("conflict")
    await system.post(second)

    letters = await read_until(
        system.settings, DEAD_LETTER, lambda seen: any(s.value == second for s in seen)
    )
    (letter,) = [s for s in letters if s.key == "conflict"]
    assert letter.headers[h.ERROR_REASON] == reasons.CONFLICTING_DUPLICATE
    await system.settled()
    assert outcome.file
    assert (Path(outcome.file).parent / "callback.json").read_bytes() == first
    assert len(await system.outcomes("conflict")) == 1


@pytest.mark.parametrize("instruments", [b"", b',"instruments":null', b',"instruments":[]'])
async def test_a_song_without_instruments_is_an_empty_file_and_a_warning(
    system: Installation, instruments: bytes
) -> None:
    task_id = f"empty-{len(instruments)}"
    await system.post(
        b'{"task_id":"%s","code":200,"data":{"state":"complete"%s}}' % (task_id.encode(), instruments)
    )

    (outcome,) = await system.outcomes(task_id)
    assert [warning.code for warning in outcome.warnings] == ["no-instruments"]
    assert outcome.file
    assert _notes(Path(outcome.file)) == {}


async def test_a_users_alias_gives_an_instrument_its_program(system: Installation) -> None:
    notes = [{"pitch": 60, "start": 0, "end": 1, "velocity": 1}]
    data = {"state": "complete", "instruments": [{"name": "Скрипка", "notes": notes}]}
    await system.post(json.dumps({"task_id": "aliased", "code": 200, "data": data}).encode())

    (outcome,) = await system.outcomes("aliased")
    assert outcome.warnings == []
    assert outcome.file
    song = mido.MidiFile(outcome.file, charset="utf-8")
    assert [message.program for message in song.tracks[1] if message.type == "program_change"] == [40]


async def test_times_may_be_strings_or_numbers(system: Installation) -> None:
    notes = [
        {"pitch": 60, "start": "0.5", "end": 1, "velocity": "1"},
        {"pitch": "61", "start": 1, "end": "1.25e0", "velocity": 0.5},
    ]
    data = {"state": "complete", "instruments": [{"name": "Piano", "notes": notes}]}
    await system.post(json.dumps({"task_id": "strings", "code": 200, "data": data}).encode())

    (outcome,) = await system.outcomes("strings")
    assert outcome.file
    assert _notes(Path(outcome.file)) == {"Piano": [(480, 960, 60), (960, 1200, 61)]}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"garbage", 400), (b"\xff{}", 400), (b"[]", 422), (b'{"code":200}', 422), (b'{"task_id":1}', 422)],
)
async def test_what_is_no_callback_is_refused_and_nothing_of_it_kept(
    system: Installation, body: bytes, status: int
) -> None:
    before = len(await read_all(system.settings, Callback.topic))
    answered, problem = await system.exchange("POST", system.url, body)

    assert answered == status
    assert json.loads(problem)["status"] == status
    assert len(await read_all(system.settings, Callback.topic)) == before


async def test_an_unknown_path_is_404(system: Installation) -> None:
    status, problem = await system.exchange("POST", system.url + "/elsewhere", samples.sample())
    assert (status, json.loads(problem)["title"]) == (404, "Not Found")


async def _of(system: Installation, kind: type[Message], key: str) -> list[Seen]:
    return [seen for seen in await read_all(system.settings, kind.topic) if seen.key == key]


async def _letters(system: Installation, key: str) -> list[Seen]:
    return [seen for seen in await read_all(system.settings, DEAD_LETTER) if seen.key == key]


def _notes(path: Path) -> dict[str, list[tuple[int, int, int]]]:
    """Each track's notes as (start, end, pitch) in ticks, as mido reads them."""
    tracks: dict[str, list[tuple[int, int, int]]] = {}
    for track in mido.MidiFile(file=io.BytesIO(path.read_bytes()), charset="utf-8").tracks[1:]:
        now, sounding, notes = 0, {}, []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = now
            elif message.type in {"note_on", "note_off"}:
                notes.append((sounding.pop(message.note), now, message.note))
        assert not sounding
        tracks[track.name] = sorted(notes)
    return tracks

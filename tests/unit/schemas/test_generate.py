"""The JSON Schema files, which outsiders read the topics with."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from schemas.dead_letter import DeadLetterStatus
from schemas.generate import FOLDER, JSON_MESSAGES, files
from schemas.message import Body, Message
from schemas.outcome import Outcome
from schemas.score import Instrument, Note, Score
from schemas.score import Warning as ScoreWarning
from schemas.topics import MESSAGES

EXAMPLES = [
    Score(
        task_id="a1",
        duration=15,
        warnings=[ScoreWarning("zero-length", 1, "instruments[0].notes[0]")],
        instruments=[
            Instrument("Bass", 33, drums=False, channel=1, track=1, notes=[Note(10, 15, 44, 127)]),
            Instrument("Piano", 0, drums=False, channel=None, track=2, notes=[]),
        ],
    ),
    Outcome(task_id="a1", status="failed", message="no", reason="provider-failed", correlation={"user": "7"}),
    DeadLetterStatus(status="resolved", at="2026-05-01T12:00:00.000000Z", by="deduplicate"),
]


def test_the_files_are_current() -> None:
    written = {path: path.read_bytes() for path in FOLDER.iterdir()}
    assert written == files(), "run `make schemas`"


def test_there_is_a_file_for_every_message_that_is_json() -> None:
    assert set(JSON_MESSAGES) == {message for message in MESSAGES if not issubclass(message, Body)}


@pytest.mark.parametrize("message", JSON_MESSAGES)
def test_a_schema_names_its_topic_kind_and_version(message: type[Message]) -> None:
    schema = orjson.loads(files()[FOLDER / f"{message.topic.name}.schema.json"])
    assert schema["title"] == message.kind
    assert schema["x-kafka-topic"] == message.topic.name
    assert schema["x-midi-schema"] == message.version
    assert schema["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_what_is_written_has_the_schemas_properties_and_is_read_back_equal(example: Message) -> None:
    path = FOLDER / f"{example.topic.name}.schema.json"
    schema = orjson.loads(path.read_bytes())
    definition = schema["$defs"][type(example).__name__]
    written = orjson.loads(example.encode())
    assert set(written) == set(definition["properties"])
    assert set(definition["required"]) <= set(written)
    assert type(example).decode(example.encode()) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_a_field_that_a_later_version_adds_does_not_disturb_a_reader(example: Message) -> None:
    grown = orjson.dumps(orjson.loads(example.encode()) | {"added-later": {"x": 1}})
    assert type(example).decode(grown) == example


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"null", b'{"task_id": 7}', b"\xff"])
def test_a_value_of_another_shape_is_refused(value: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        Score.decode(value)

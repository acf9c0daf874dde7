"""One letter, readable."""

from __future__ import annotations

import orjson
import pytest

from midi_ingest import samples
from midi_ingest.dead_letters.display import document, lines
from midi_ingest.dead_letters.letter import letter_in
from schemas import headers as h
from schemas.dead_letter import DeadLetterStatus
from tests.unit.midi_ingest.kafka_records import failure_headers, kafka_record

STACK = "Traceback (most recent call last):\n  File …\nValueError: \x1b[2J"


def shown(value: bytes, *, cut: bool = False, status: DeadLetterStatus | None = None) -> str:
    headers = failure_headers("unexpected-error", **{h.ERROR_EXCEPTION: STACK})
    record = kafka_record(value=value, headers=headers)
    return "\n".join(lines(letter_in(record), record, status, cut=cut))


def test_a_letter_tells_where_it_failed_why_and_how_often() -> None:
    text = shown(b"{}")
    for part in ("3:1042", "midi.tasks, partition 3, offset 17", "unexpected-error", "why", "normalize", "4"):
        assert part in text
    assert "a fault of the system" in text
    assert "ValueError: \\x1b[2J" in text
    assert "ce_id" in text
    assert "error-reason" not in text


def test_a_value_is_indented_and_cut_where_a_person_reads_it() -> None:
    song = samples.song("a", 100)
    whole, cut = shown(song), shown(song, cut=True)
    assert '"task_id": "a"' in cut
    assert len(whole.splitlines()) > 400
    assert len(cut.splitlines()) < 100
    assert "lines more" in cut
    assert "lines more" not in whole


@pytest.mark.parametrize(
    ("value", "part"), [(b"no json", "no json"), (b"MThd\xff", "It is no text"), (b"", "0 bytes")]
)
def test_a_value_that_is_no_json_is_shown_as_far_as_it_can_be(value: bytes, part: str) -> None:
    assert part in shown(value)


def test_what_became_of_a_letter_is_told() -> None:
    status = DeadLetterStatus(status="redriven", at="2026-11-25T12:00:00.000000Z", by="me@here")
    assert "redriven at 2026-11-25T12:00:00.000000Z by me@here" in shown(b"{}", status=status)


@pytest.mark.parametrize(("value", "told"), [(b'{"a":1}', {"a": 1}), (b"text", "text"), (b"\xff", None)])
def test_as_json_a_value_is_what_it_is(value: bytes, told: object) -> None:
    record = kafka_record(value=value, headers=failure_headers("too-large"))
    found = orjson.loads(orjson.dumps(document(letter_in(record), record, None)))
    assert (found["id"], found["fault"], found["value"], found["bytes"]) == ("3:1042", True, told, len(value))
    assert found["failed_at"] == "midi.tasks, partition 3, offset 17"
    assert found["headers"] == h.without_errors(failure_headers("too-large"))

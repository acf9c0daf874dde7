"""What is known of a letter, and what people call it."""

from __future__ import annotations

import pytest

from midi_ingest.dead_letters.letter import letter_in, parse_id
from schemas import headers as h
from schemas import reasons
from tests.unit.midi_ingest.kafka_records import failure_headers, kafka_record


def test_a_letter_is_called_by_where_it_lies_and_its_status_by_where_it_failed() -> None:
    letter = letter_in(kafka_record(headers=failure_headers(reasons.TOO_LARGE)))
    assert (letter.id, letter.status_key) == ("3:1042", "normalize/midi.tasks/3/17")
    assert (letter.task, letter.reason, letter.worker, letter.status) == (
        "task",
        "too-large",
        "normalize",
        "open",
    )
    assert parse_id(letter.id) == (3, 1042)


def test_a_letter_that_does_not_tell_where_it_failed_has_its_status_by_where_it_lies() -> None:
    quarantined = {h.ERROR_REASON: reasons.QUARANTINED, h.ERROR_WORKER: "ingest"}
    broken = failure_headers(reasons.UNROUTABLE, **{h.ERROR_OFFSET: "x"})
    assert letter_in(kafka_record(headers=quarantined)).status_key == "ingest/midi.dead-letter/3/1042"
    assert letter_in(kafka_record(headers=broken)).status_key == "normalize/midi.dead-letter/3/1042"


def test_a_letter_without_key_headers_or_text_is_a_letter_too() -> None:
    letter = letter_in(kafka_record(key=b"\xff", value=None))
    assert (letter.task, letter.reason, letter.worker, letter.size_bytes) == ("\ufffd", "", "", 0)
    assert letter_in(kafka_record(key=None)).task == ""


@pytest.mark.parametrize("text", ["", "3", "3:", ":3", "3:x", "-1:3", "3:1042:1", "3 1042", "3:1e3"])
def test_what_is_no_id_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="partition:offset"):
        parse_id(text)


def test_every_reason_of_ours_is_a_fault_or_was_foreseen() -> None:
    """A new reason has to be put in one of the two: this test asks for it."""
    foreseen = {
        reasons.INVALID_PAYLOAD,
        reasons.PROVIDER_FAILED,
        reasons.CONFLICTING_DUPLICATE,
        reasons.QUARANTINED,
    }
    ours = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert ours == foreseen | reasons.FAULTS
    assert not foreseen & reasons.FAULTS


@pytest.mark.parametrize(
    ("reason", "fault"), [("unexpected-error", True), ("provider-failed", False), ("no-lyrics", False)]
)
def test_faults_of_ours_are_told_apart_from_what_was_foreseen(reason: str, fault: bool) -> None:
    assert letter_in(kafka_record(headers=failure_headers(reason))).is_fault is fault

"""Where letters are sent again, by their reasons."""

from __future__ import annotations

import pytest

from broker.partitioner import partition
from midi_ingest import samples
from midi_ingest.dead_letters.letter import letter_in
from midi_ingest.dead_letters.routes import Refused, Routes
from midi_ingest.transactions import Write
from schemas import headers as h
from schemas import reasons
from schemas.topics import Layout
from tests.unit.midi_ingest.kafka_records import failure_headers, kafka_record

LAYOUT = Layout("midi.", 6, -1, 1024 * 1024)
EXISTING = frozenset({"midi.retry.deduplicate.now", "midi.retry.normalize.now", "midi.callbacks"})
ROUTES = Routes(LAYOUT, EXISTING, "auto")


def redriven(headers: dict[str, str], value: bytes = b"{}", key: bytes | None = b"task") -> Write:
    record = kafka_record(key=key, value=value, headers=headers)
    return ROUTES.write(letter_in(record), record)


@pytest.mark.parametrize(
    "reason", ["unexpected-error", "invalid-payload", "too-large", "key-mismatch", "own-reason"]
)
def test_a_letter_goes_back_to_its_worker_in_its_partition_as_it_first_came(reason: str) -> None:
    write = redriven(failure_headers(reason), b"\xffbytes")
    assert (write.topic.name, write.partition, write.key, write.value) == (
        "retry.normalize.now",
        3,
        b"task",
        b"\xffbytes",
    )
    assert h.from_wire(write.headers) == {
        h.CE_ID: "receipt",
        h.CE_TYPE: "midi.task",
        h.DIALECT: "sunoapi.org",
    }


def test_headers_that_are_no_text_or_stand_twice_stay_as_they_are() -> None:
    record = kafka_record(headers=failure_headers("unexpected-error"))
    odd = [("x", b"\xff"), ("x", b"2"), ("y", b"")]
    record.headers.extend(odd)
    assert ROUTES.write(letter_in(record), record).headers[-3:] == odd


def test_a_conflicting_duplicate_goes_to_deduplicate_where_it_wins() -> None:
    write = redriven(failure_headers(reasons.CONFLICTING_DUPLICATE, "deduplicate"))
    assert write.topic.name == "retry.deduplicate.now"


def test_what_the_vendor_failed_is_refused() -> None:
    with pytest.raises(Refused, match="ask the vendor"):
        redriven(failure_headers(reasons.PROVIDER_FAILED, "deduplicate"))


@pytest.mark.parametrize("worker", ["route-failures", "ingest", "gone"])
def test_a_worker_that_takes_nothing_twice_is_refused_by_its_topic(worker: str) -> None:
    with pytest.raises(Refused, match=rf"midi\.retry\.{worker}\.now"):
        redriven(failure_headers(reasons.UNROUTABLE, worker))


def test_a_letter_that_names_no_worker_is_refused() -> None:
    with pytest.raises(Refused, match="which worker"):
        redriven({h.ERROR_REASON: reasons.UNROUTABLE})


def test_a_quarantined_body_that_is_a_callback_now_is_taken_in_under_its_task() -> None:
    headers = {h.CE_ID: "receipt", h.ERROR_REASON: reasons.QUARANTINED, h.ERROR_WORKER: "ingest"}
    body = samples.song("the-task", 3)
    write = redriven(headers, body, key=b"digest")
    assert (write.topic.name, write.key, write.value) == ("callbacks", b"the-task", body)
    assert write.partition == partition(b"the-task", 6)
    assert h.from_wire(write.headers) == {h.CE_ID: "receipt", h.DIALECT: "sunoapi.org"}


@pytest.mark.parametrize("body", [b'{"code":200}', b"{", b"[]"])
def test_a_quarantined_body_that_still_is_no_callback_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="still is no callback"):
        redriven({h.ERROR_REASON: reasons.QUARANTINED, h.ERROR_WORKER: "ingest"}, body)

"""Which stored records a replay runs again, and as what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition

from broker.groups import lag
from midi_ingest.errand import Usage
from midi_ingest.replays.stored import Range, again, replayable, topics_of
from schemas import headers as h
from tests.unit.midi_ingest.kafka_records import NOON_MS, failure_headers, kafka_record

NOON = datetime(2025, 11, 25, 12, 0, tzinfo=UTC)
ALL: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("meant", "taken"),
    [
        (Range(None, None, ALL), True),
        (Range(NOON, None, ALL), True),
        (Range(None, NOON, ALL), False),
        (Range(NOON.replace(second=1), None, ALL), False),
        (Range(None, None, frozenset({"task"})), True),
        (Range(None, None, frozenset({"other"})), False),
    ],
)
def test_a_record_is_meant_by_its_time_and_task(meant: Range, taken: bool) -> None:
    assert meant.takes(kafka_record(timestamp_ms=NOON_MS)) is taken


def test_a_tombstone_is_never_meant() -> None:
    assert not Range(None, None, ALL).takes(kafka_record(value=None))


def test_a_record_goes_to_the_worker_in_its_partition_marked_as_a_replay() -> None:
    headers = failure_headers("unexpected-error", **{h.ORIGIN: "callback"})
    write = again("render", kafka_record("midi.scores", partition=2, value=b"\xff", headers=headers))
    assert (write.topic.name, write.partition, write.key, write.value) == (
        "retry.render.now",
        2,
        b"task",
        b"\xff",
    )
    assert h.from_wire(write.headers) == {
        h.CE_ID: "receipt",
        h.CE_TYPE: "midi.task",
        h.DIALECT: "sunoapi.org",
        h.ORIGIN: "replay",
    }


@pytest.mark.parametrize(
    ("reference", "topics"),
    [
        ("normalize", ["tasks", "retry.normalize.now"]),
        ("render", ["scores", "retry.render.now"]),
        ("store", ["tasks", "scores", "files", "retry.store.now"]),
    ],
)
def test_each_worker_is_given_what_it_reads(reference: str, topics: list[str]) -> None:
    assert [topic.name for topic in topics_of([replayable(reference)])] == topics


@pytest.mark.parametrize("reference", ["deduplicate", "route-failures", "bogus"])
def test_a_worker_that_cannot_be_replayed_to_is_refused(reference: str) -> None:
    with pytest.raises(Usage):
        replayable(reference)


def test_a_group_that_has_handled_everything_is_not_behind() -> None:
    one, two, three = (TopicPartition("midi.tasks", number) for number in range(3))
    beginnings = {one: 0, two: 5, three: 0}
    ends = {one: 12, two: 25, three: 0}  # the last offset of each is a transaction's marker
    assert lag({one: 11, two: 24}, beginnings, ends) == 0
    assert lag({one: 1, two: 24}, beginnings, ends) == 10
    assert lag({}, beginnings, ends) == 11 + 19

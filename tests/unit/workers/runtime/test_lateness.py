"""How late a lane is, by what its feeds have read and what Kafka has told them."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from broker.reader import Known
from telemetry import metrics
from workers.runtime.feed import Feed
from workers.runtime.lateness import LaneName, Lateness
from workers.runtime.record import Record

NOW = 1_000_000.0


class Told:
    """What a consumer knows of its partition."""

    def __init__(self, known: Known | None) -> None:
        self._known = known

    def known(self, _: TopicPartition) -> Known | None:
        return self._known


def feed(known: Known | None, *ages: float, delay: int = 0, topic: str = "midi.late") -> Feed:
    """A feed of partition 2, with records read that are so old; the first has offset 100."""
    consumer: Any = Told(known)
    made = Feed(consumer, TopicPartition(topic, 2), 100, delay_seconds=delay)
    made.waiting.extend(
        Record(topic, 2, 100 + n, int((NOW - age) * 1000), None, b"", {}) for n, age in enumerate(ages)
    )
    return made


def shown(metric: str, worker: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(metric, {"worker": worker, "partition": "2", **labels})


def oldest(worker: str) -> float | None:
    return shown("midi_ingest_worker_oldest_age_seconds", worker)


def lags(worker: str, topic: str = "midi.late") -> tuple[float | None, float | None]:
    return (
        shown("midi_ingest_worker_lag", worker, topic=topic),
        shown("midi_ingest_worker_stable_lag", worker, topic=topic),
    )


def test_what_waits_is_counted_from_the_next_record_on_and_its_age_is_that_records() -> None:
    behind = feed(Known(position=103, end=110, stable_end=105), 30, 20, 10)
    assert Lateness().look(LaneName("behind", 2), [behind], NOW)
    assert (lags("behind"), oldest("behind")) == ((10, 5), 30)


def test_nothing_waits_at_the_end_and_an_open_transaction_is_nothing_to_do() -> None:
    lateness, lane = Lateness(), LaneName("idle", 2)
    assert not lateness.look(lane, [feed(Known(100, 100, 100))], NOW)
    assert (lags("idle"), oldest("idle")) == ((0, 0), 0)
    assert not lateness.look(lane, [feed(Known(100, 104, 100))], NOW + 60)
    assert (lags("idle"), oldest("idle")) == ((4, 0), 0)


def test_a_retry_is_late_only_once_it_is_due() -> None:
    lateness, lane = Lateness(), LaneName("retry", 2)
    assert not lateness.look(lane, [feed(Known(101, 101, 101), 50, delay=60)], NOW)
    assert oldest("retry") == 0
    assert lateness.look(lane, [feed(Known(101, 101, 101), 50, delay=60)], NOW + 15)
    assert (lags("retry"), oldest("retry")) == ((1, 1), 5)


def test_the_oldest_of_all_feeds_counts() -> None:
    feeds = [feed(Known(101, 101, 101), 5), feed(Known(101, 101, 101), 9, topic="midi.other")]
    assert Lateness().look(LaneName("two", 2), feeds, NOW)
    assert oldest("two") == 9


def test_records_that_have_not_come_yet_have_waited_since_it_was_seen() -> None:
    lateness, lane = Lateness(), LaneName("coming", 2)
    lateness.look(lane, [feed(Known(100, 100, 100))], NOW)
    assert lateness.look(lane, [feed(Known(100, 103, 103))], NOW + 7)
    assert oldest("coming") == 7


def test_what_waits_for_a_lane_that_is_not_open_grows_older() -> None:
    lateness, lane = Lateness(), LaneName("closed", 2)
    lateness.look(lane, [feed(Known(101, 109, 109), 30)], NOW)
    assert lateness.look(lane, [], NOW + 100)
    assert (lags("closed"), oldest("closed")) == ((9, 9), 130)


def test_a_lane_that_moved_away_shows_nothing() -> None:
    lateness, lane = Lateness(), LaneName("moved", 2)
    lateness.look(lane, [feed(Known(101, 109, 109), 30)], NOW)
    metrics.STUCK_SECONDS.labels("moved", "2").set(200)
    lateness.forget_all_but({LaneName("moved", 1)})
    assert (lags("moved"), oldest("moved")) == ((0, 0), 0)
    assert shown("midi_ingest_worker_stuck_seconds", "moved") == 0

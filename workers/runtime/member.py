"""A member of a worker's consumer group: owns the lanes whose partition numbers the group assigns to it.

The member's own consumer reads nothing: its partitions stay paused, and each lane reads for itself. So a slow
batch never keeps the member from its heartbeats, and a rebalance finds each lane at the end of a batch.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from broker import clients
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.api import Worker, all_delays
from workers.runtime.cancellation import asked_for
from workers.runtime.feeds import stopped
from workers.runtime.guarantee import AtLeastOnce, ExactlyOnce, Guarantee
from workers.runtime.handle import Handler
from workers.runtime.lane import Lane
from workers.runtime.shared import Shared
from workers.settings import WorkerSettings

LAST_BATCH_SECONDS: Final = 20.0
"""How long a rebalance waits for a lane's batch in work: the other members of the group wait with it."""

_POLL_MS: Final = 1_000


class AssignmentError(RuntimeError):
    """The group assigned other partition numbers of one topic than of another: lanes would be torn apart."""


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Runs one worker in this process."""

    def __init__(self, worker: Worker, settings: WorkerSettings, version: str, shared: Shared) -> None:
        self._worker, self._settings, self._shared = worker, settings, shared
        self._handler = Handler(worker, settings, version)
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self.assigned = False
        """Whether the group has told this member its lanes."""
        self._ending = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = logger().bind(worker=worker.name)

    @property
    def lanes(self) -> Mapping[int, Lane]:
        """The lanes that the group has given to this member, by partition number."""
        return {number: lane for number, (lane, _) in self._lanes.items()}

    @property
    def ready(self) -> bool:
        """Whether the group has given this member its lanes, perhaps none, and all of them are open."""
        return self.assigned and all(lane.ready for lane in self.lanes.values())

    async def run(self) -> None:
        """Work until cancelled; then end the batches in work and leave the group.

        Raises:
            AssignmentError: another member of this group has another set of topics or another assignor.
            StateError: a changelog cannot be read.
            KafkaError: Kafka refuses this member for good.
        """
        layout = self._settings.layout
        retries = self._worker.retry_topics(all_delays(self._settings)).values()
        topics = [layout.name(topic) for topic in (*self._worker.sources, *retries)]
        group = self._settings.topic_prefix + self._worker.name
        consumer = clients.group_member(self._settings, group)
        consumer.subscribe(topics, listener=self)
        self._consumer = consumer
        exactly_once = self._worker.guarantee == "exactly-once"
        self._guarantee: Guarantee = (
            ExactlyOnce(self._settings, group) if exactly_once else AtLeastOnce(self._settings, consumer)
        )
        polling = asyncio.create_task(asked_for(self._poll(consumer)))
        try:
            await asyncio.wait([polling, self._failed], return_when=asyncio.FIRST_COMPLETED)
            await (polling if polling.done() else self._failed)
        finally:
            self._ending = True
            polling.cancel()
            await asyncio.wait([polling])
            await self._stop_lanes(self._settings.stop_timeout_seconds)
            await self._guarantee.close()
            await stopped(consumer)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        """Join the group, and keep telling it that this member is alive."""
        await consumer.start()
        while True:
            await consumer.getmany(timeout_ms=_POLL_MS)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """The group rebalances: every lane ends its batch and closes."""
        self.assigned = False
        await self._stop_lanes(LAST_BATCH_SECONDS)
        if revoked:
            self._log.info("lanes given back", partitions=sorted({tp.partition for tp in revoked}))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """The group has assigned partitions: their lanes open, unless this member is about to leave."""
        if self._ending:
            return
        self._consumer.pause(*assigned)
        try:
            numbers = _partition_numbers(assigned)
        except AssignmentError as error:  # aiokafka would only log what a listener raises
            self._fail(error)
            return
        for number in numbers:
            lane = Lane(
                self._worker,
                number,
                self._settings,
                handler=self._handler,
                guarantee=self._guarantee,
                shared=self._shared,
            )
            task = asyncio.create_task(lane.run(), name=f"{self._worker.name}-{number}")
            task.add_done_callback(self._lane_ended)
            self._lanes[number] = lane, task
        self.assigned = True
        metrics.LANES.labels(self._worker.name).set(len(numbers))
        self._log.info("lanes assigned", partitions=numbers)

    async def _stop_lanes(self, patience_seconds: float) -> None:
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.stop(task, patience_seconds) for lane, task in lanes.values()))
        metrics.LANES.labels(self._worker.name).set(0)

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        """A lane ends only when it is stopped, or by an error that opening it again would not mend."""
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)


def _partition_numbers(assigned: Collection[TopicPartition]) -> list[int]:
    """The partition numbers assigned, the same of every topic.

    Raises:
        AssignmentError: they are not the same.
    """
    by_topic = defaultdict(set)
    for tp in assigned:
        by_topic[tp.topic].add(tp.partition)
    if len({frozenset(numbers) for numbers in by_topic.values()}) > 1:
        raise AssignmentError(
            "This group assigns other partitions of one topic than of another: "
            + ", ".join(f"{topic} {sorted(numbers)}" for topic, numbers in sorted(by_topic.items()))
            + ". Stop members of another version or with other retry delays."
        )
    return sorted(set().union(*by_topic.values()))

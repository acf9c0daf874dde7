"""Following `midi.outcomes` for the ends of some tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from broker import clients
from broker.settings import KafkaSettings
from schemas.outcome import Outcome


class Outcomes:
    """The ends of tasks, each once: `start` before anything is posted, then iterate, then `stop`.

    A task that was complete before is complete. One that had failed before may end anew: what
    is in ``earlier`` counts only if nothing follows. Reads only the partitions that the tasks' ids belong to.
    """

    def __init__(self, settings: KafkaSettings, task_ids: Collection[str]) -> None:
        self._consumer = clients.reader(settings, fetch_max_wait_ms=100)
        self._waiting = set(task_ids)
        topic = settings.layout.name(Outcome.topic)
        numbers = list(range(settings.partitions))
        partition_of = DefaultPartitioner()
        self._partitions = {
            TopicPartition(topic, partition_of(i.encode(), numbers, numbers)) for i in task_ids
        }
        self.earlier: dict[str, Outcome] = {}

    async def start(self) -> None:
        """Connect to Kafka, and read how tasks ended before.

        Raises:
            KafkaError: Kafka cannot be reached.
        """
        await self._consumer.start()
        self._consumer.assign(list(self._partitions))
        ends = await self._consumer.end_offsets(list(self._partitions))
        await self._consumer.seek_to_beginning()
        for tp, end in ends.items():
            while await self._consumer.position(tp) < end:
                for record in (await self._consumer.getmany(tp, timeout_ms=500)).get(tp, ()):
                    self._remember(record)

    def only(self, task_ids: Collection[str]) -> None:
        """Wait for these alone from now on: nothing will come of the others."""
        self._waiting.intersection_update(task_ids)
        self.earlier = {task_id: self.earlier[task_id] for task_id in self.earlier.keys() & self._waiting}

    async def __aiter__(self) -> AsyncIterator[Outcome]:
        for task_id in [o.task_id for o in self.earlier.values() if o.status == "complete"]:
            self._waiting.discard(task_id)
            yield self.earlier.pop(task_id)
        while self._waiting:
            record = await self._consumer.getone()
            if (outcome := self._wanted(record)) is not None:
                self._waiting.discard(outcome.task_id)
                self.earlier.pop(outcome.task_id, None)
                yield outcome

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    def _remember(self, record: ConsumerRecord) -> None:
        if (outcome := self._wanted(record)) is not None:
            self.earlier[outcome.task_id] = outcome

    def _wanted(self, record: ConsumerRecord) -> Outcome | None:
        key = (record.key or b"").decode("utf-8", "replace")
        return Outcome.decode(record.value) if key in self._waiting and record.value else None

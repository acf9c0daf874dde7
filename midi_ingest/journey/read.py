"""Finds a task's records: only one partition of each topic can hold them.

What became of a letter stands under another key, and so in any partition of its topic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from aiokafka import ConsumerRecord, TopicPartition

from broker.groups import groups
from broker.partitioner import partition
from midi_ingest.journey.event import Event, event_in
from midi_ingest.journey.journey import Journey, readers, waits
from midi_ingest.scan import Reader, partitions_of
from midi_ingest.settings import Settings
from schemas.dead_letter import DeadLetterStatus
from schemas.topics import DEAD_LETTER, MESSAGES, RETRY, shared

_STATUS = DeadLetterStatus.topic.name


async def follow(settings: Settings, reader: Reader, task_id: str, since: datetime) -> Journey:
    """A task's way, as far as its records were written since some moment."""
    number, prefix = partition(task_id.encode(), settings.partitions), settings.topic_prefix
    places = [TopicPartition(prefix + name, number) for name in await _topics(settings, reader)]
    events: list[Event] = []
    marks: dict[str, list[Event]] = {}
    async for record in reader.scan([*places, *partitions_of(settings, DeadLetterStatus.topic)], since):
        name = record.topic.removeprefix(prefix)
        if name == _STATUS:
            marks.setdefault(_key(record), []).append(event_in(name, record))
        elif _key(record) == task_id:
            events.append(event_in(name, record))
    events = _with_statuses(events, marks)
    order = [message.topic.name for message in MESSAGES]
    events.sort(key=lambda e: (e.timestamp_ms, order.index(e.topic) if e.topic in order else len(order)))
    return Journey(events, waits(events, await _committed(settings, events, number)))


async def _topics(settings: Settings, reader: Reader) -> list[str]:
    """All topics with records of tasks, without the prefix; also the retries of workers that we do not know."""
    prefix = settings.topic_prefix + RETRY
    retries = sorted(RETRY + n.removeprefix(prefix) for n in await reader.topics() if n.startswith(prefix))
    return [*(topic.name for topic in shared() if topic.name != _STATUS), *retries]


def _with_statuses(events: Sequence[Event], marks: dict[str, list[Event]]) -> list[Event]:
    """The events with what became of the letters among them."""
    result = []
    for event in events:
        if event.topic != DEAD_LETTER.name:
            result.append(event)
            continue
        own = marks.get(str(event.details["status_key"]), [])
        status = own[-1].details.get("status", "open") if own else "open"
        letter = {**event.details, "status": status}
        result += [
            replace(event, details=letter),
            *(replace(m, what=f"{letter['letter']} {m.what}") for m in own),
        ]
    return result


async def _committed(settings: Settings, events: Sequence[Event], number: int) -> dict[str, dict[str, int]]:
    """How far the workers are that read these events, by worker and topic, in the task's partition."""
    prefix = settings.topic_prefix
    committed = {}
    async with groups(settings) as asked:
        for worker in {worker for event in events for worker in readers(event.topic)}:
            offsets = await asked.committed(prefix + worker)
            committed[worker] = {
                tp.topic.removeprefix(prefix): offset
                for tp, offset in offsets.items()
                if tp.partition == number
            }
    return committed


def _key(record: ConsumerRecord[bytes, bytes]) -> str:
    return (record.key or b"").decode("utf-8", "replace")

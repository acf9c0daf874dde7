"""Where a letter is sent again, by its reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aiokafka import ConsumerRecord

from broker.partitioner import partition
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.transactions import Write
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback
from schemas.dialects import NotACallback, NotJson, read_envelope
from schemas.message import Topic
from schemas.topics import NOW, WORKER_NAME, Layout, retry
from workers.deduplicate import NAME as DEDUPLICATE


class Refused(Exception):
    """A letter cannot be sent again; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Where letters go in one installation; ``existing`` are the names of its topics, ``vendor`` its dialect."""

    layout: Layout
    existing: Collection[str]
    vendor: str

    def topic(self, letter: Letter) -> Topic:
        """The topic that a letter goes to.

        Raises:
            Refused: there is none.
        """
        match letter.reason:
            case reasons.PROVIDER_FAILED:
                raise Refused("the vendor failed, not we: ask the vendor to make it again")
            case reasons.QUARANTINED:
                return Callback.topic
            case reasons.CONFLICTING_DUPLICATE:
                return self._retry(DEDUPLICATE)
            case _:
                return self._retry(letter.worker)

    def write(self, letter: Letter, record: ConsumerRecord[bytes, bytes]) -> Write:
        """The record that a letter becomes: its key, value and original headers, so that it starts anew.

        Raises:
            Refused: it cannot be sent again.
        """
        topic, headers = self.topic(letter), h.sent_again(record.headers)
        if letter.reason != reasons.QUARANTINED:
            return Write(topic, letter.partition, record.key, record.value, headers)
        try:
            envelope = read_envelope(record.value or b"", self.vendor)
        except (NotJson, NotACallback) as error:
            raise Refused(f"it still is no callback: {error}") from error
        key = envelope.task_id.encode()
        headers = [header for header in headers if header[0] != h.DIALECT]
        headers.append((h.DIALECT, envelope.dialect.encode()))
        return Write(topic, partition(key, self.layout.partitions), key, record.value, headers)

    def _retry(self, worker: str) -> Topic:
        if not WORKER_NAME.fullmatch(worker):
            raise Refused("its headers do not tell which worker failed on it")
        topic = retry(worker, NOW)
        if self.layout.name(topic) not in self.existing:
            raise Refused(
                f"there is no topic {self.layout.name(topic)}: the worker takes nothing twice, or its topics are "
                "not made (`midi-ingest topics apply --worker …`)"
            )
        return topic

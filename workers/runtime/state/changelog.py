"""The records of a changelog: read as changes, and what to make of one that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from aiokafka import ConsumerRecord

from schemas import headers as h
from workers.runtime.state.checkpoint import version_of
from workers.runtime.state.errors import Unreadable, UnreadableRecords
from workers.runtime.state.store import Change

_MOST_UNREADABLE: Final = 10_000
"""Beyond this it is not some records that are broken: it is another worker's changelog, or another version's."""


@dataclass
class Reading:
    """Reads a changelog in order. A record that cannot be read matters until a later one has its key."""

    worker: str
    value_type: type[msgspec.Struct]
    unreadable: dict[bytes, Unreadable] = field(default_factory=dict)
    records: int = 0

    def __post_init__(self) -> None:
        self._version = version_of(self.value_type)
        self._decoder = msgspec.json.Decoder(self.value_type)

    def changes(self, records: Iterable[ConsumerRecord[bytes, bytes]]) -> list[Change]:
        """The changes in the next records.

        Raises:
            UnreadableRecords: too many of them cannot be read.
        """
        read = []
        for record in records:
            self.records += 1
            key = record.key or b""
            try:
                read.append(self._change(key, record))
            except (ValueError, RecursionError) as error:  # what msgspec and UTF-8 say are ValueErrors
                self._keep(Unreadable(record.topic, record.partition, record.offset, key, str(error)))
            else:
                if self.unreadable:
                    self.unreadable.pop(key, None)
        return read

    def finish(self) -> None:
        """Make sure that all of it could be read.

        Raises:
            UnreadableRecords: some are in the way.
        """
        if self.unreadable:
            raise UnreadableRecords(self.worker, list(self.unreadable.values()))

    def _change(self, key: bytes, record: ConsumerRecord[bytes, bytes]) -> Change:
        change = Change(key.decode(), record.value, record.timestamp)
        if change.value is not None:
            self._require_known(record)
            self._decoder.decode(change.value)
        return change

    def _require_known(self, record: ConsumerRecord[bytes, bytes]) -> None:
        for name, text in record.headers:
            if name == h.SCHEMA and (version := int(text or b"")) > self._version:
                raise ValueError(
                    f"its value has version {version}, this worker knows none above {self._version}: "
                    "run the one that wrote it"
                )

    def _keep(self, record: Unreadable) -> None:
        self.unreadable.pop(record.key, None)
        self.unreadable[record.key] = record
        if len(self.unreadable) > _MOST_UNREADABLE:
            self.finish()

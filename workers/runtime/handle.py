"""From records to records: calls a worker's function and makes records of what it returns or raises.

Nothing here knows Kafka's clients: records and state go in, a `Batch` comes out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.message import Message, Topic
from schemas.topics import FAILURES
from telemetry import tracing
from workers.runtime.api import Dropped, Failure, Keyed, Output, Raw, Reject, Retry, Unavailable, Worker
from workers.runtime.calling import Work, call, runs
from workers.runtime.expectations import kind_of
from workers.runtime.failures import Fault, attempts, failed, fault_of, unroutable
from workers.runtime.outputs import EXPECTED
from workers.runtime.reading import Reading
from workers.runtime.record import Record, Write, passed_on
from workers.runtime.state import LaneState, StoreError
from workers.runtime.writing import Writing, described
from workers.settings import WorkerSettings

BUDGET_SECONDS: Final = 0.25
"""A batch ends after this much time in the function, so that the first record does not wait for the last."""

BUDGET_BYTES: Final = 8 * 1024 * 1024
"""A batch ends after writing this much: what a lane holds in memory stays bounded."""


@dataclass(slots=True)
class Batch:
    """What became of the first ``handled`` records; ``blocked`` says why the next one has to wait.

    ``error`` is the first that the function raised without having foreseen it. ``seconds`` were spent in the function.
    """

    handled: int = 0
    writes: list[Write] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    blocked: Unavailable | None = None
    error: Exception | None = None
    seconds: float = 0.0


class Observer(Protocol):
    """Is told of each call, and may end the batch."""

    def begins(self, record: Record) -> None:
        """The function is called now; with several records, this is the first."""

    def ended(self, *, well: bool | None) -> bool:
        """A record came through well or by an unforeseen error; None: it is its own fault. Whether to go on."""


class Unobserved:
    """Nobody is told, and nothing ends the batch."""

    def begins(self, record: Record) -> None:
        """Tell nobody."""

    def ended(self, *, well: bool | None) -> bool:  # noqa: ARG002 - as an observer
        """Go on."""
        return True


UNOBSERVED: Final = Unobserved()


class Handler:
    """Handles records for one worker; ``version`` is named in the headers of what fails."""

    def __init__(self, worker: Worker, settings: WorkerSettings, version: str) -> None:
        self._worker, self._version = worker, version
        self._reading, self._writing = Reading(worker, settings), Writing(worker, settings)
        self._group = settings.topic_prefix + worker.name
        self._routes_failures = FAILURES in worker.reads

    def handle(
        self, records: Sequence[Record], state: LaneState | None, observer: Observer = UNOBSERVED
    ) -> Batch:
        """Handle records in order until they, the time or the bytes are used up, or something is away."""
        batch = Batch()
        deadline = time.monotonic() + BUDGET_SECONDS
        size = 0
        if state is not None:
            state.look_up({self._reading.any_key(record) for record in records})
        for run in runs(self._worker, records):
            goes_on = True
            observer.begins(run[0])
            for work in self._called(run, state):
                if isinstance(work.error, (StoreError, Unavailable)):
                    _end_span(work)
                if isinstance(work.error, StoreError):  # no record's fault: the lane has to open anew
                    raise work.error
                if isinstance(work.error, Unavailable):
                    batch.blocked = work.error
                    break
                writes = self._settled(work, batch)
                _end_span(work)
                batch.writes += writes
                batch.handled += 1
                size += sum(len(write.value or b"") for write in writes)
                goes_on = observer.ended(well=_well(work))
            if not goes_on or batch.blocked or size > BUDGET_BYTES or time.monotonic() > deadline:
                break
        batch.writes += self._writing.changes(state)
        return batch

    def refuse(self, record: Record, reason: str, message: str) -> Batch:
        """Let a record fail without calling the function."""
        writes = [self._failure(record, Fault(reason, message))]
        return Batch(handled=1, writes=writes, failed=Counter([reason]))

    def _called(self, run: Sequence[Record], state: LaneState | None) -> Sequence[Work]:
        """The records of a run with what the function made of them; not all are fit to be given to it."""
        works = [self._prepared(record, state) for record in run]
        call(self._worker, [work for work in works if work.message is not None])
        return works

    def _prepared(self, record: Record, state: LaneState | None) -> Work:
        work = Work(record, passed_on(record))
        if tracing.current is not None:
            work.step = tracing.current.processing(
                self._group, record.topic, record.partition, record.offset, record.headers
            )
            if work.step is not None:
                work.carried = {**work.carried, **work.step.headers}
        if record.value is None:
            work.outputs = (Dropped("tombstone"),)
            return work
        read = self._worker.signature
        try:
            key = self._reading.key(record)
            work.context = self._reading.context(record, key, work.carried) if read.context else None
            work.state = state.of(key, record.timestamp_ms) if state is not None else None
            work.message = self._reading.message(record)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a record costs only itself
            work.error = error
        return work

    def _settled(self, work: Work, batch: Batch) -> list[Write]:
        """What one record leads to; whatever goes wrong with it is its own failure."""
        if work.error:
            return self._failed(work.record, work.error, batch)
        try:
            writes = [write for output in work.outputs if (write := self._write(work, output))]
        except Exception as error:  # noqa: BLE001 - an output that cannot be written is its record's failure
            work.error = error
            return self._failed(work.record, error, batch)
        if work.state:
            work.state.keep()
        for output in work.outputs:
            if isinstance(output, Dropped):
                batch.dropped[output.why] += 1
            elif isinstance(output, Failure):
                batch.failed[output.reason] += 1
        return writes

    def _failed(self, record: Record, error: Exception, batch: Batch) -> list[Write]:
        fault = fault_of(error, self._worker)
        batch.failed[fault.reason] += 1
        batch.error = batch.error or fault.unforeseen
        return [self._failure(record, fault)]

    def _write(self, work: Work, output: Output) -> Write | None:
        record = work.record
        match output:
            case Message():
                return self._writing.message(record.key, output, work.carried)
            case Keyed(key, message):
                return self._writing.keyed(key, message, work.carried)
            case Raw():
                return self._writing.raw(output, record.key)
            case Failure(reason, message):
                return self._failure(record, Fault(reason, message))
            case Dropped():
                return None
            case _:
                raise TypeError(f"{self._worker.name} returned {kind_of(output)}: return {EXPECTED}")

    def _failure(self, record: Record, fault: Fault) -> Write:
        if self._routes_failures:
            return unroutable(record, fault.message)
        source = self._reading.source(record.topic)
        # What the topic implies, should the record's producer have left it out.
        kind = {} if source is None or isinstance(source, Topic) else described(source)
        return failed(record, fault, worker=self._worker.name, version=self._version, kind=kind)


def _end_span(work: Work) -> None:
    if work.step is not None:
        work.step.end(error=type(work.error).__name__ if work.error else "")


def _well(work: Work) -> bool | None:
    """Whether the function did what it should; None where the record is what was wrong, or it was not called.

    What fails again says nothing new: bad records meet where they wait for another try, and make no flood.
    """
    if work.error is None:
        return None if work.message is None else True
    if isinstance(work.error, (Reject, Retry)) or attempts(work.record.headers):
        return None
    return False

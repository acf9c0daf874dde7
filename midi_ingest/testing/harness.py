"""One lane of a worker in memory: its state, its clock, its retries and timers, and no Kafka.

What calls the worker is what calls it in production: messages are encoded and decoded, outputs have their limits, and
what fails is routed by `route-failures`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from midi_ingest.testing.arguments import KEY, refuse_what_is_no_worker, settings_of, source_of, task_id_of
from midi_ingest.testing.results import Failed, Written
from midi_ingest.version import __version__
from schemas import headers as h
from schemas import reasons
from schemas.dialects import AUTO
from schemas.message import Message, Topic
from schemas.topics import FAILURES, changelog
from workers.route_failures import route_failures
from workers.runtime.api import Raw, Unavailable, Worker, all_delays
from workers.runtime.handle import Handler
from workers.runtime.record import Record, Write
from workers.runtime.state import Change, LaneState
from workers.runtime.ticking import Ticking
from workers.runtime.writing import described, value_of
from workers.settings import delay_seconds

NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
_PARTITION: Final = 0


class Harness:
    """Runs one worker.

        harness = Harness(loudest)
        assert harness.send(score, key="t1") == [Loudest(…)]

    ``written``, ``failed`` and ``dropped`` gather what became of all records so far; ``state`` is what the worker
    remembers, by key. Further arguments are settings, such as ``store="…"`` or ``retry_delays=("1s",)``. The stack of
    an error that the worker did not foresee is printed to stderr, which pytest shows of a test that fails.

    Raises:
        TypeError: this is no worker, or there is no setting of a name.
    """

    def __init__(self, worker: Worker, *, now: datetime = NOON, **settings: Any) -> None:
        refuse_what_is_no_worker(worker)
        self.now = self._began = now
        self.written: list[Written] = []
        self.failed: list[Failed] = []
        self.dropped: Counter[str] = Counter()
        self.blocked: Unavailable | None = None
        """What the worker waits for: `advance` lets it try again."""
        self.worker = worker
        self._settings = settings_of(settings)
        self._handler = Handler(worker, self._settings, __version__)
        self._router = Handler(route_failures, self._settings, __version__)
        self._ticking = Ticking(worker, self._settings)
        self._delays = {
            topic: delay for delay, topic in worker.retry_topics(all_delays(self._settings)).items()
        }
        self._kinds = {kind.topic: kind for kind in worker.writes if not isinstance(kind, Topic)}
        self._state = self._empty_state()
        self._changelog: list[Write] = []
        self._waiting: list[Record] = []
        self._retries: list[tuple[datetime, Record]] = []
        self._offset = 0
        self._took_no_key = False

    @property
    def state(self) -> Mapping[str, Any]:
        """What the worker remembers now, by key."""
        return dict(self._state.items(self._now_ms)) if self._state is not None else {}

    @property
    def dead_letters(self) -> list[Failed]:
        """What failed for good."""
        return [failed for failed in self.failed if failed.retry_in is None]

    def send(
        self,
        message: Message | bytes,
        *,
        key: str | UnsetType | None = UNSET,
        headers: Mapping[str, str] | None = None,
        topic: Topic | None = None,
    ) -> list[Any]:
        """Have one record handled; returns what was written.

        Without a key, it is the message's own ``task_id``; of a message that has none, `task-1`. Bytes go to the topic
        given, or to the first that the worker reads. ``headers`` are added to those that a callback's receipt gives to
        all that follows from it, or replace them.

        Raises:
            TypeError: the worker does not read this; its own class cannot read the message; or a worker with state is
                given a second message without a task id and a key: whether it is of the same key, nobody said.
        """
        return self.deliver(self.record(message, key=key, headers=headers, topic=topic))

    def send_all(self, messages: Iterable[tuple[str, Message | bytes]]) -> list[Any]:
        """Have several records, given as (key, message), handled as one batch; returns what was written."""
        return self.deliver(*(self.record(message, key=key) for key, message in messages))

    def record(
        self,
        message: Message | bytes | None,
        *,
        key: str | bytes | UnsetType | None = UNSET,
        headers: Mapping[str, str] | None = None,
        topic: Topic | None = None,
    ) -> Record:
        """A record as Kafka would hold it, of this moment; a message of None is a tombstone.

        Raises:
            TypeError: see `send`.
        """
        source = source_of(self.worker, message, topic)
        kind = type(message) if isinstance(message, Message) else None
        key = self._key_of(message) if key is UNSET else key
        encoded = key.encode() if isinstance(key, str) else key
        self._offset += 1
        return Record(
            topic=self._settings.layout.name(source),
            partition=_PARTITION,
            offset=self._offset,
            timestamp_ms=self._now_ms,
            key=encoded,
            value=value_of(message) if isinstance(message, Message) else message,
            headers={
                h.CE_ID: f"receipt-of-{(encoded or b'').decode(errors='replace')}",
                h.CE_SOURCE: h.SOURCE,
                h.CE_TIME: h.timestamp(self._began),
                h.CE_SPECVERSION: h.SPECVERSION,
                h.DIALECT: AUTO,
                h.ORIGIN: "callback",
                **(described(kind) if kind else {}),
                **(headers or {}),
            },
        )

    def deliver(self, *records: Record) -> list[Any]:
        """Have records handled as one batch, after those that still wait; returns what was written."""
        self._waiting += records
        return self._written_by(self._work)

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> list[Any]:
        """Let time pass: timers are called, retries come when they are due, and what waits is tried again.

        Returns what was written meanwhile.

        Raises:
            Exception: what a timer raised.
        """
        until = self.now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._written_by(lambda: self._pass_time(until))

    def restart(self) -> None:
        """Forget everything but the changelog, as a process that starts anew on another machine."""
        self._handler = Handler(self.worker, self._settings, __version__)
        self._state = self._empty_state()
        if self._state is not None:
            self._state.restore([_change(write) for write in self._changelog])

    def _key_of(self, message: object) -> str:
        """The key of a record where the test gives none."""
        if task_id := task_id_of(message):
            return task_id
        if self._took_no_key and self.worker.state_type:
            raise TypeError(
                f"{self.worker.name} remembers something of each key, and this is the second message without one: "
                f"say send(…, key={KEY!r}) if it is of the same key, or another key"
            )
        self._took_no_key = True
        return KEY

    @property
    def _now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def _empty_state(self) -> LaneState | None:
        remembered = self.worker.state_type
        return LaneState(remembered, self._settings.dedup_window) if remembered else None

    def _written_by(self, act: Callable[[], None]) -> list[Any]:
        before = len(self.written)
        act()
        return [written.message for written in self.written[before:]]

    def _work(self) -> None:
        """Handle what waits, until nothing does or something is away."""
        self.blocked = None
        while self._waiting and self.blocked is None:
            batch = self._handler.handle(self._waiting, self._state)
            del self._waiting[: batch.handled]
            self.blocked = batch.blocked
            self.dropped += batch.dropped
            self._commit(batch.writes)

    def _pass_time(self, until: datetime) -> None:
        while (moment := min(self._moments(), default=until)) <= until and moment > self.now:
            self.now = moment
            self._tick()
            self._waiting += [record for when, record in self._retries if when <= moment]
            self._retries = [(when, record) for when, record in self._retries if when > moment]
            self._work()
        self.now = until
        self._work()

    def _moments(self) -> Iterator[datetime]:
        """When something is due."""
        yield from (when for when, _ in self._retries)
        for timer in self.worker.timers:
            yield datetime.fromtimestamp(timer.next_after(self.now.timestamp()), UTC)

    def _tick(self) -> None:
        for timer in self.worker.timers:
            if self.now.timestamp() % timer.seconds:
                continue
            tick = self._ticking.tick(timer, self.now, _PARTITION, self._state)
            if tick.error:
                raise tick.error
            self._commit(tick.writes)

    def _commit(self, writes: Iterable[Write]) -> None:
        if self._state is not None:
            self._state.commit()
        remembered = changelog(self.worker.name, self._settings.dedup_window)
        for write in writes:
            if write.topic == remembered:
                self._changelog.append(write)
            elif write.topic == FAILURES:
                self._route(write)
            else:
                self.written.append(self._seen(write))

    def _route(self, failure: Write) -> None:
        """Let `route-failures` decide when a failed record comes again, if it does."""
        failures = self._as_read(failure)
        routed = self._router.handle([failures], None).writes[0]
        delay = self._delays.get(routed.topic)
        if delay:
            due = self.now + timedelta(seconds=delay_seconds(delay))
            self._retries.append((due, self._as_read(routed)))
        headers = failure.headers
        failed = Failed(
            reason=headers[h.ERROR_REASON],
            message=headers[h.ERROR_MESSAGE],
            key=(failure.key or b"").decode(errors="replace"),
            value=failure.value or b"",
            attempts=int(headers[h.ERROR_ATTEMPTS]),
            retry_in=delay,
            exception=headers.get(h.ERROR_EXCEPTION, ""),
        )
        self.failed.append(failed)
        if failed.reason in {reasons.UNEXPECTED_ERROR, reasons.UNRETRIED_ERROR}:
            print(f"{self.worker.name} failed on {failed}:\n{failed.exception}", file=sys.stderr)

    def _as_read(self, write: Write) -> Record:
        self._offset += 1
        topic = self._settings.layout.name(write.topic)
        headers = h.from_wire(h.to_wire(write.headers))
        return Record(topic, _PARTITION, self._offset, self._now_ms, write.key, write.value, headers)

    def _seen(self, write: Write) -> Written:
        key = (write.key or b"").decode(errors="replace")
        return Written(write.topic, key, self._message_in(write), write.headers)

    def _message_in(self, write: Write) -> Message | Raw:
        kind, value = self._kinds.get(write.topic), write.value or b""
        if kind is not None:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):  # a worker's own bytes may be anything
                return kind.decode(value)
        return Raw(write.topic, write.key, value, write.headers)


def _change(write: Write) -> Change:
    return Change((write.key or b"").decode(), write.value, write.timestamp_ms or 0)

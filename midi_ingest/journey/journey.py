"""A task's way as a whole: what happened, what it waits for, and how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from midi_ingest.journey.event import Event
from midi_ingest.moments import seconds, written
from midi_ingest.terminal import counted
from schemas.callback import Callback
from schemas.dialects import Meaning
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, NOW, RETRY
from workers.catalogue import BUILT_IN
from workers.settings import delay_seconds

State = Literal["waiting", "complete", "failed", "stopped", "pending", "unknown"]

OVERDUE_MS: Final = 60_000
"""A record is tried again as soon as it is due, unless its worker does not run, or is behind."""

READERS: Final[Mapping[str, Sequence[str]]] = {
    topic.name: [worker.name for worker in BUILT_IN.values() if topic in worker.sources]
    for some in BUILT_IN.values()
    for topic in some.sources
}
"""The built-in workers that read each topic, but for retries."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A record that a worker has not handled yet; ``before`` is about how many it handles first."""

    worker: str
    event: Event
    before: int

    @property
    def due_ms(self) -> int | None:
        """When a record that is tried again is due; None for one that is due at once."""
        delay = self.event.details.get("delay")
        if not isinstance(delay, str) or delay == NOW:
            return None
        return self.event.timestamp_ms + delay_seconds(delay) * 1000

    def sentence(self, now_ms: int) -> str:
        """The wait in words, as it is at a time: a record that is overdue may wait for a worker that nobody runs."""
        before = f", about {counted(self.before, 'record')} on" if self.before else ", its next record"
        what = f"{self.worker} has yet to take offset {self.event.offset} of {self.event.topic}{before}."
        if self.due_ms is None:
            return what
        if self.due_ms < now_ms - OVERDUE_MS:
            return f"{what} It was due at {seconds(self.due_ms)}: does {self.worker} run?"
        return f"{what} It is due at {seconds(self.due_ms)}."

    def document(self) -> dict[str, object]:
        """The wait as JSON."""
        return {
            "worker": self.worker,
            "topic": self.event.topic,
            "offset": self.event.offset,
            "before": self.before,
            "due": written(self.due_ms) if self.due_ms else None,
        }


@dataclass(frozen=True, slots=True)
class Journey:
    """A task's events in their order, and what it waits for."""

    events: Sequence[Event]
    waits: Sequence[Wait]

    @property
    def state(self) -> State:
        """How the task stands; what workers outside the pipeline have yet to do does not count."""
        outcome = self._last(Outcome.topic.name)
        if any(wait.worker in BUILT_IN for wait in self.waits):
            return "waiting"
        if outcome and outcome.details.get("status") == "complete":
            return "complete"
        if self.open_letters:
            return "stopped"
        if outcome:
            return "failed"
        if (callback := self._last(Callback.topic.name)) and callback.details[
            "meaning"
        ] == Meaning.PENDING.value:
            return "pending"
        return "unknown"

    @property
    def open_letters(self) -> list[str]:
        """The ids of its dead letters that nobody has handled."""
        letters = [event.details for event in self.events if event.topic == DEAD_LETTER.name]
        return [str(letter["letter"]) for letter in letters if letter.get("status") == "open"]

    def sentences(self, now_ms: int) -> Iterator[str]:
        """How the task stands at a time, and what to do, in words."""
        if self.state != "waiting":
            yield _STANDS[self.state]
        for wait in self.waits:
            yield wait.sentence(now_ms)
        if letters := self.open_letters:
            yield f"Dead letters: {', '.join(letters)}. `midi-ingest dlq show {letters[-1]}` tells more."

    def _last(self, topic: str) -> Event | None:
        return next((event for event in reversed(self.events) if event.topic == topic), None)


_STANDS: Final[Mapping[State, str]] = {
    "complete": "It is complete.",
    "failed": "It failed.",
    "stopped": "It goes no further.",
    "pending": "The sender has not delivered yet.",
    "unknown": "Nothing is under way.",
}


def waits(events: Sequence[Event], committed: Mapping[str, Mapping[str, int]]) -> list[Wait]:
    """What of a task's records has not been handled.

    Args:
        events: the task's records.
        committed: by worker and by topic without the prefix, the next offset that the worker will read of the task's
            partition; a worker that is not there has read nothing.
    """
    found = []
    for event in events:
        for worker in readers(event.topic):
            following = committed.get(worker, {}).get(event.topic, 0)
            if event.offset >= following:
                found.append(Wait(worker, event, event.offset - following))
    return found


def readers(topic: str) -> Sequence[str]:
    """The workers that read a topic, by its name without the prefix: the built-in ones, and those of retries."""
    if topic.startswith(RETRY):
        return [topic.removeprefix(RETRY).rpartition(".")[0]]
    return READERS.get(topic, ())

"""What a worker is written with: a typed function that returns what it writes.

    @worker("render", reads=Score, writes=MidiFile)
    def render(score: Score) -> MidiFile:
        return MidiFile(smf.render(score))

The function gets the message. A parameter annotated `Context` gets what is known of its record; one annotated
`State[T]` gets what the worker remembers of the record's key. It returns nothing, one output, or several. What it
raises sends the record to the failures topic, and its siblings go on.

It may be async. With its first parameter annotated as a list of messages, it gets all records that are due at once,
its other parameters are lists too, and it returns a list of what it would return for each. All that it needs is
imported from here; users find the same in `midi_ingest`.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import msgspec

from schemas.message import Topic
from schemas.topics import FAILURES, WORKER_NAME, changelog, distinct, retry
from workers.runtime import returns, signature
from workers.runtime.context import Context, State, States
from workers.runtime.exceptions import Reject, Retry, Unavailable
from workers.runtime.outputs import Dropped, Failure, Keyed, Output, Raw, Result
from workers.runtime.signature import Signature
from workers.runtime.sources import Source, as_sources, check_reads, check_unhurried, topic_of
from workers.settings import WorkerSettings, delay_seconds

__all__ = [
    "Context",
    "Dropped",
    "Failure",
    "Function",
    "Keyed",
    "Output",
    "Raw",
    "Reject",
    "Result",
    "Retry",
    "Source",
    "State",
    "States",
    "Timer",
    "Unavailable",
    "Worker",
    "all_delays",
    "topic_of",
    "worker",
]

MAX_CONCURRENCY: Final = 100
"""How many records of a lane may be in work at once: what they hold in memory and in connections stays bounded."""

Guarantee = Literal["exactly-once", "at-least-once"]
Begins = Literal["oldest", "newest"]

Returned = Result | Iterable[Result]
Function = Callable[..., Returned | Awaitable[Returned]]
Ticked = Iterable[Keyed | Raw] | Keyed | Raw | None
TimerFunction = TypeVar("TimerFunction", bound=Callable[..., Ticked])


@dataclass(frozen=True, slots=True)
class Timer:
    """A function that each lane calls at every full ``seconds`` of the clock, with its state if it takes that."""

    name: str
    seconds: int
    function: Callable[..., Ticked]
    takes_states: bool

    def next_after(self, seconds: float) -> int:
        """When it is due next, in Unix seconds: every process that owns the lane says the same."""
        return (int(seconds) // self.seconds + 1) * self.seconds


@dataclass(frozen=True)
class Worker:
    """A worker's function with what it reads and writes; calling it calls the function."""

    name: str
    function: Function
    reads: tuple[Source, ...]
    writes: tuple[Source, ...]
    retries: bool = True
    on_error: Literal["retry", "reject"] = "retry"
    concurrency: int = 1
    guarantee: Guarantee = "exactly-once"
    deadline_seconds: float | None = None
    unhurried: tuple[Source, ...] = ()
    begins: Begins = "oldest"
    signature: Signature = field(default_factory=Signature)
    timers: list[Timer] = field(default_factory=list)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, as a test calls it."""
        return self.function(*args, **kwargs)

    def every(self, period: str) -> Callable[[TimerFunction], TimerFunction]:
        """Have a function called in each lane at every full ``period``, such as `10s`, `1m` or `1h`.

            @remember.every("1m")
            def remind(now: datetime, states: States[Seen]) -> Iterator[Keyed]:

        It takes the time, in UTC, and if it likes all that the lane remembers. What it returns and what it puts is
        one transaction. It has no record, so it returns only `Keyed` and `Raw`; an error that it raises is logged,
        and it is called again at its next time.

        Raises:
            TypeError: the function takes something else.
            ValueError: the period is written otherwise.
        """
        try:
            seconds = delay_seconds(period)
        except ValueError as error:
            raise ValueError(f"{self.name}: every({period!r}): {error}") from None

        def decorate(function: TimerFunction) -> TimerFunction:
            takes_states = signature.takes_states(function, self.state_type)
            self.timers.append(Timer(function.__name__, seconds, function, takes_states))
            return function

        return decorate

    @property
    def state_type(self) -> type[msgspec.Struct] | None:
        """What it remembers of each key, if anything."""
        return self.signature.state_type

    @property
    def sources(self) -> list[Topic]:
        """The topics that it reads, but for its retries."""
        return [topic_of(source) for source in self.reads]

    def retry_topics(self, delays: Iterable[str]) -> dict[str, Topic]:
        """The topics in which its records wait for another try, by delay."""
        return {delay: retry(self.name, delay) for delay in delays} if self.retries else {}

    def topics(self, settings: WorkerSettings) -> list[Topic]:
        """All topics that it reads or writes."""
        own = [*self.sources, *self.retry_topics(all_delays(settings)).values()]
        if self.state_type:
            own.append(changelog(self.name, settings.dedup_window))
        return list(distinct([*own, *map(topic_of, self.writes), FAILURES]))


def worker(
    name: str,
    *,
    reads: Source | tuple[Source, ...],
    writes: Source | tuple[Source, ...] = (),
    retries: bool = True,
    on_error: Literal["retry", "reject"] = "retry",
    concurrency: int = 1,
    guarantee: Guarantee = "exactly-once",
    deadline: float | None = None,
    unhurried: Source | tuple[Source, ...] = (),
    begins: Begins = "oldest",
) -> Callable[[Function], Worker]:
    """Make a worker of a function.

    Args:
        name: names its consumer group, its retry topics and its metrics: up to 100 lower case letters, digits,
            hyphens.
        reads: the messages or topics that it reads; with several, the function gets any of them.
        writes: the messages or topics that it may return.
        retries: whether a record that failed may come back; without, it has no retry topics.
        on_error: what becomes of a record on which it raised something that it did not foresee: it comes back
            after a delay, until it is out of attempts; or it is a dead letter at once.
        concurrency: how many records of different keys an async function may have in work at once, in each lane.
        guarantee: `exactly-once`, or `at-least-once`: fewer producers, no transactions, repeats after a crash.
        deadline: seconds that one call may take before its process exits; by default
            MIDI_INGEST_CALL_DEADLINE_SECONDS.
        unhurried: those of what it reads whose records may wait for others of their lane, half a second at most, to
            share a transaction with them.
        begins: at its very first start, with the `oldest` record that Kafka has, or the `newest`: what was written
            before is then never read.

    Raises:
        TypeError: the function's annotations are none of a worker's, or leave out what it reads or writes; or that
            has no topic.
        ValueError: the name has other characters, or what is said does not fit together.
    """
    if not WORKER_NAME.fullmatch(name):
        raise ValueError(
            f"a worker's name has up to 100 lower case letters, digits and hyphens, not {name!r}"
        )
    if on_error not in {"retry", "reject"}:
        raise ValueError(f"{name}: on_error is 'retry' or 'reject', not {on_error!r}")
    if guarantee not in typing.get_args(Guarantee):
        raise ValueError(f"{name}: guarantee is 'exactly-once' or 'at-least-once', not {guarantee!r}")
    if deadline is not None and deadline <= 0:
        raise ValueError(f"{name}: deadline is a positive number of seconds, not {deadline!r}")
    if begins not in typing.get_args(Begins):
        raise ValueError(f"{name}: begins is 'oldest' or 'newest', not {begins!r}")
    sources, written = as_sources(name, "reads", reads), as_sources(name, "writes", writes)
    in_no_hurry = as_sources(name, "unhurried", unhurried)
    check_reads(name, sources, retries=retries)
    check_unhurried(name, in_no_hurry, sources)

    def decorate(function: Function) -> Worker:
        read = signature.read(function, [Raw if isinstance(s, Topic) else s for s in sources])
        returns.check(name, function, written)
        if concurrency != 1:
            _check_concurrency(name, concurrency, read)
        return Worker(
            name,
            function,
            sources,
            written,
            retries,
            on_error,
            concurrency,
            guarantee,
            deadline,
            in_no_hurry,
            begins,
            read,
        )

    return decorate


def all_delays(settings: WorkerSettings) -> tuple[str, ...]:
    """The delays of a worker's retry topics, with the one for redrives and replays."""
    return ("now", *settings.retry_delays)


def _check_concurrency(name: str, concurrency: int, read: Signature) -> None:
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise ValueError(f"{name}: concurrency is 1 to {MAX_CONCURRENCY}, not {concurrency}")
    if not read.asynchronous or read.together:
        raise ValueError(f"{name}: concurrency is for an async function that takes one record")

"""What a worker is written with: a typed function that returns what it writes.

    @worker("render", reads=Score, writes=MidiFile)
    def render(score: Score) -> MidiFile:
        return MidiFile(smf.render(score))

The function gets the message. A parameter annotated `Context` gets what is known of its record; one annotated
`State[T]` gets what the worker remembers of the record's key. It returns nothing, one output, or several. What it
raises sends the record to the failures topic, and its siblings go on.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from schemas.message import Message, Topic
from schemas.topics import FAILURES, changelog, distinct, retry
from workers.settings import WorkerSettings

Source = type[Message] | Topic
"""What a worker reads: a kind of message, or the raw values of a topic."""


class Reject(Exception):
    """This record can never be handled: it becomes a dead letter with this reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Unavailable(Exception):
    """Something that every record needs is away: the worker waits and tries again, and nothing fails."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Output: the record itself goes to the failures topic, beside whatever else is returned."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Output: the record meant nothing new; only a metric counts it."""

    why: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """Output: a message under a key that is not the record's."""

    key: str
    message: Message


@dataclass(frozen=True, slots=True)
class Forward:
    """Output: the record's key and value, byte for byte, to this topic with these headers.

    ``otherwise`` takes its place where Kafka has no such topic.
    """

    topic: Topic
    headers: Mapping[str, str]
    otherwise: Forward | None = None


Output = Message | Keyed | Forward | Failure | Dropped
Result = Output | Iterable[Output] | None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the record in work.

    ``value`` is the record's, byte for byte; ``headers`` are too, with what a foreign producer left out filled in.
    ``attempt`` counts from 1.
    ``redriven`` means that an operator sent it here again. ``settings`` are the process' settings.
    """

    key: str
    value: bytes
    headers: Mapping[str, str]
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempt: int
    redriven: bool
    settings: WorkerSettings


T = TypeVar("T", bound=msgspec.Struct)


class State(Protocol[T]):
    """What a worker remembers of the record's key; written with the record's outputs, or not at all."""

    def get(self) -> T | None:
        """What was put last within the window, if anything."""

    def put(self, value: T) -> None:
        """Remember this from now on."""


@dataclass(frozen=True)
class Worker:
    """A worker's function with what it reads and writes; calling it calls the function."""

    name: str
    function: Callable[..., Result]
    reads: tuple[Source, ...]
    writes: tuple[Source, ...]
    retries: bool
    state_type: type[msgspec.Struct] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The names of the parameters that take the context and the state, by ``context`` and ``state``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Result:
        """The function itself, as a test calls it."""
        return self.function(*args, **kwargs)

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
) -> Callable[[Callable[..., Result]], Worker]:
    """Make a worker of a function.

    Args:
        name: names its consumer group, its retry topics and its metrics: lower case letters, digits, hyphens.
        reads: the messages or topics that it reads; with several, the function gets any of them.
        writes: the messages or topics that it may return.
        retries: whether a record that failed may come back; without, it has no retry topics.

    Raises:
        TypeError: the function is async, or a parameter after the first is neither a `Context` nor a `State` of a
            `msgspec.Struct`.
        ValueError: the name has other characters.
    """
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f"a worker's name has lower case letters, digits and hyphens, not {name!r}")

    def decorate(function: Callable[..., Result]) -> Worker:
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{function.__qualname__} is async: a worker is a plain function, called in a thread"
            )
        parameters, state_type = _extra_parameters(function)
        return Worker(name, function, _as_tuple(reads), _as_tuple(writes), retries, state_type, parameters)

    return decorate


def topic_of(source: Source) -> Topic:
    """The topic of what is read or written."""
    return source if isinstance(source, Topic) else source.topic


def all_delays(settings: WorkerSettings) -> tuple[str, ...]:
    """The delays of a worker's retry topics, with the one for redrives and replays."""
    return ("now", *settings.retry_delays)


def _as_tuple(sources: Source | tuple[Source, ...]) -> tuple[Source, ...]:
    return sources if isinstance(sources, tuple) else (sources,)


def _extra_parameters(function: Callable[..., Result]) -> tuple[dict[str, str], type[msgspec.Struct] | None]:
    hints = typing.get_type_hints(function)
    parameters: dict[str, str] = {}
    state_type = None
    for name in list(inspect.signature(function).parameters)[1:]:
        hint = hints.get(name)
        if hint is Context:
            parameters["context"] = name
        elif (remembered := _state_type(hint)) is not None:
            parameters["state"] = name
            state_type = remembered
        else:
            raise TypeError(
                f"{function.__qualname__}: annotate `{name}` as Context or as State[a msgspec.Struct]"
            )
    return parameters, state_type


def _state_type(hint: object) -> type[msgspec.Struct] | None:
    """The ``T`` of ``State[T]``, where the hint is that."""
    if typing.get_origin(hint) is not State:
        return None
    (remembered,) = typing.get_args(hint)
    return remembered if isinstance(remembered, type) and issubclass(remembered, msgspec.Struct) else None

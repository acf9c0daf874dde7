"""What a worker's function returns, for each record: nothing, one output, or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.message import Message, Topic


@dataclass(frozen=True, slots=True)
class Failure:
    """Output: the record itself goes to the failures topic, beside whatever else is returned."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Output: the record meant nothing new; only a metric counts it."""

    why: str

    def __post_init__(self) -> None:
        if not isinstance(self.why, str):
            raise TypeError(f"Dropped takes its why as text, not as {type(self.why).__name__}")


@dataclass(frozen=True, slots=True)
class Keyed:
    """Output: a message under a key that is not the record's, in the partition where Kafka's producers put that key."""

    key: str
    message: Message


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as bytes: what a worker gets of a topic that it reads by name, and an output to any topic.

    Its ``topic`` has to be one that the worker ``writes``; for one that may not exist, ``otherwise`` says what takes
    its place there. Under the key of the record in work it stays in that record's partition.
    """

    topic: Topic
    key: bytes | None
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    otherwise: Raw | None = None

    def to(
        self, topic: Topic, headers: Mapping[str, str] | None = None, *, otherwise: Raw | None = None
    ) -> Raw:
        """The same key and value to another topic, with these headers or its own."""
        return Raw(topic, self.key, self.value, self.headers if headers is None else headers, otherwise)


Output = Message | Keyed | Raw | Failure | Dropped
Result = Output | Iterable[Output] | None

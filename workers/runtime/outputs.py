"""What a worker's function returns, for each record: nothing, one output, or several.

One that is made of something else raises a TypeError there and then, so that its stack shows the line in the function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Final

from schemas.message import Message, Topic
from workers.runtime.expectations import expect


@dataclass(frozen=True, slots=True)
class Failure:
    """Output: the record itself goes to the failures topic, beside whatever else is returned."""

    reason: str
    message: str

    def __post_init__(self) -> None:
        """Refuse what no header can hold."""
        expect("Failure's reason", self.reason, str, "a str")
        expect("Failure's message", self.message, str, "a str")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Output: the record meant nothing new; only a metric counts it."""

    why: str

    def __post_init__(self) -> None:
        """Refuse what no metric can name."""
        expect("Dropped's why", self.why, str, "a str")


@dataclass(frozen=True, slots=True)
class Keyed:
    """Output: a message under a key that is not the record's, in the partition where Kafka's producers put that key."""

    key: str
    message: Message

    def __post_init__(self) -> None:
        """Refuse what is no message, or is under no key."""
        expect("Keyed's key", self.key, str, "a str")
        expect("Keyed's message", self.message, Message, "a message")


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

    def __post_init__(self) -> None:
        """Refuse what is no record."""
        expect("Raw's topic", self.topic, Topic, "a Topic")
        expect("Raw's key", self.key, (bytes, NoneType), "bytes or None")
        expect("Raw's value", self.value, bytes, "bytes")
        expect("Raw's headers", self.headers, Mapping, "a mapping of str to str")
        for text in {*map(type, self.headers), *map(type, self.headers.values())}:
            if not issubclass(text, str):
                raise TypeError(
                    f"Raw's headers: expected a mapping of str to str, but a {text.__name__} is among them"
                )
        expect("Raw's otherwise", self.otherwise, (Raw, NoneType), "a Raw or None")

    def to(
        self, topic: Topic, headers: Mapping[str, str] | None = None, *, otherwise: Raw | None = None
    ) -> Raw:
        """The same key and value to another topic, with these headers or its own."""
        return Raw(topic, self.key, self.value, self.headers if headers is None else headers, otherwise)


Output = Message | Keyed | Raw | Failure | Dropped
Result = Output | Iterable[Output] | None

EXPECTED: Final = "a message, Keyed, Raw, Failure, Dropped, several of them, or None"

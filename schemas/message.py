"""What every message is: a value of a known kind, with the topic that carries it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, Literal, Self, dataclass_transform

import msgspec

DAY_MS = 24 * 60 * 60 * 1000

TOPIC_NAME_MAX: Final = 169
"""What the name of a topic may have without the prefix: Kafka takes 249 characters, and the prefix has up to 80."""

_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its name without the prefix, and how long Kafka keeps what is in it.

    ``headroom_bytes`` is what its records may be larger than those of others: what a failure adds to them.

    Raises:
        ValueError: Kafka takes no topic of this name.
    """

    name: str
    retention_ms: int = 30 * DAY_MS
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"
    headroom_bytes: int = 0

    def __post_init__(self) -> None:
        """Refuse here what Kafka would only refuse when the topic is made."""
        name: object = self.name  # whatever somebody gave us
        fits = isinstance(name, str) and re.fullmatch(rf"[A-Za-z0-9._-]{{1,{TOPIC_NAME_MAX}}}", name)
        if not fits or name in {".", ".."}:
            raise ValueError(
                f"a topic's name has 1 to {TOPIC_NAME_MAX} of the characters a-z, A-Z, 0-9, '.', '_' and '-', "
                f"not {name!r}"
            )


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _Kind(msgspec.StructMeta):
    """Takes what a message says of itself from the head of its class."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        topic: str | Topic | None = None,
        kind: str | None = None,
        version: int | None = None,
        **config: Any,
    ) -> Any:
        if topic is not None:
            topic = topic if isinstance(topic, Topic) else Topic(topic)
            namespace |= {"topic": topic, "kind": kind or topic.name}
        if version is not None:
            namespace["version"] = version
        return super().__new__(cls, name, bases, namespace, **config)


class Message(msgspec.Struct, frozen=True, metaclass=_Kind):
    """A value that travels in a topic of its own; JSON unless a subclass says otherwise.

        class Loudest(Message, topic="loudest"):
            pitch: int

    ``topic`` is a name without the prefix, or a `Topic` that also says how long its records are kept. ``kind``
    becomes the header ``ce_type``; it is the topic's name unless given. ``version`` is the header ``midi-schema``:
    readers accept this one and the one before, so a newer version only adds fields that have defaults.
    """

    topic: ClassVar[Topic]
    kind: ClassVar[str]
    version: ClassVar[int] = 1
    content_type: ClassVar[str] = "application/json"

    def encode(self) -> bytes:
        """The record's value."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """The message in a record's value.

        Raises:
            msgspec.DecodeError: it is not JSON, or not of this shape.
        """
        message: Self = _decoder(cls).decode(value)
        return message

    @classmethod
    def prepare(cls) -> None:
        """Build the decoder now, before threads decode."""
        _decoder(cls)


class Body(Message):
    """A message whose value is bytes that nobody re-encodes."""

    body: bytes

    def encode(self) -> bytes:
        """The body, byte for byte.

        Raises:
            TypeError: it is not bytes.
        """
        if not isinstance(self.body, bytes):
            raise TypeError(f"Expected `bytes`, got `{type(self.body).__name__}` - at `$.body`")
        return self.body

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """The body, byte for byte."""
        return cls(value)


@cache
def _decoder(kind: type[Message]) -> msgspec.json.Decoder[Any]:
    with _building:  # two built at once crash the process (msgspec 0.22)
        return msgspec.json.Decoder(kind)

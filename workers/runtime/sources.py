"""What a worker reads and writes: kinds of messages, each with its topic, and topics by name."""

from __future__ import annotations

from collections.abc import Collection

from schemas.message import Message, Topic

Source = type[Message] | Topic
"""What a worker reads: a kind of message, or a topic whose records it gets as `Raw`."""


def topic_of(source: Source) -> Topic:
    """The topic of what is read or written."""
    return source if isinstance(source, Topic) else source.topic


def as_sources(worker: str, option: str, said: object) -> tuple[Source, ...]:
    """What an option of `@worker` says, one thing or several, as a tuple.

    Raises:
        TypeError: some of it is no message with a topic and no topic either.
    """
    several = said if isinstance(said, tuple) else (said,)
    return tuple(_as_source(worker, option, one) for one in several)


def check_reads(worker: str, sources: Collection[Source], *, retries: bool) -> None:
    """Make sure that what is read is something, and can be told apart.

    Raises:
        ValueError: it is not so.
    """
    names = [topic_of(source).name for source in sources]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{worker} has to read something, and no topic twice: {names}")
    if retries and sum(isinstance(source, Topic) for source in sources) > 1:
        raise ValueError(
            f"{worker} reads two topics by name, so it could not tell their retries apart: retries=False"
        )


def check_unhurried(worker: str, unhurried: Collection[Source], reads: Collection[Source]) -> None:
    """Make sure that what may wait is read at all.

    Raises:
        ValueError: it is not.
    """
    if others := [one for one in unhurried if one not in reads]:
        told = " and ".join(map(_named, others))
        raise ValueError(f"{worker} does not read what is said to be unhurried: {told}")


def _named(source: Source) -> str:
    """What its author calls it."""
    return repr(source.name) if isinstance(source, Topic) else source.__name__


def _as_source(worker: str, option: str, said: object) -> Source:
    if isinstance(said, Topic):
        return said
    if not (isinstance(said, type) and issubclass(said, Message)):
        told = said.__name__ if isinstance(said, type) else repr(said)
        raise TypeError(f"{worker}: {option}= is a Message class, a Topic, or a tuple of these, not {told}")
    if not isinstance(getattr(said, "topic", None), Topic):
        raise TypeError(
            f'{worker}: {option} {said.__name__}, which has no topic: `class {said.__name__}(Message, topic="…")`'
        )
    return said

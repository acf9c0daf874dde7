"""What a worker's function returns, by its annotation: what that names, the worker has to say that it writes."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from typing import Any, Final

from schemas.message import Message, Topic
from workers.runtime.signature import hints_of
from workers.runtime.sources import Source, topic_of

_UNIONS: Final = frozenset({typing.Union, types.UnionType, tuple})
_SEVERAL: Final = frozenset({list, Collection, Generator, Iterable, Iterator, Sequence})
"""What they hold is their first argument."""


def check(worker: str, function: Callable[..., Any], writes: Collection[Source]) -> None:
    """Refuse an annotation that names a message which is not written; what cannot be told is fine.

    Raises:
        TypeError: it does; the message names it.
    """
    kinds = dict.fromkeys(_kinds(hints_of(function).get("return")))
    if unsaid := [kind.__name__ for kind in kinds if not _is_among(kind, writes)]:
        raise TypeError(
            f"{worker}: {function.__qualname__} returns {' and '.join(unsaid)}, which `writes=` does not name"
        )


def _kinds(hint: object) -> Iterator[type[Message]]:
    """The kinds of messages with a topic that an annotation names."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        for argument in arguments:
            yield from _kinds(argument)
    elif origin in _SEVERAL:
        yield from _kinds(arguments[0])
    elif isinstance(hint, type) and issubclass(hint, Message) and hasattr(hint, "topic"):
        yield hint


def _is_among(kind: type[Message], writes: Collection[Source]) -> bool:
    """Whether a message of this kind, or of one that is derived from it, may be written."""
    return any(
        topic_of(source) == kind.topic or (not isinstance(source, Topic) and issubclass(source, kind))
        for source in writes
    )

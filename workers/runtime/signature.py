"""What a worker's function takes, by the annotations of its parameters."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from workers.runtime.context import Context, State, States


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called.

    ``together`` means that it takes all records that are due as lists, ``context`` and ``state`` are the names of the
    parameters that take these.
    """

    asynchronous: bool = False
    together: bool = False
    context: str | None = None
    state: str | None = None
    state_type: type[msgspec.Struct] | None = None


def read(function: Callable[..., Any], kinds: Collection[type]) -> Signature:
    """The signature of a worker's function that is given messages of some kinds.

    Raises:
        TypeError: an annotation is none that a worker's function may have; the message names the parameter.
    """
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{function.__qualname__} is async and yields: let it return a list of what it writes"
        )
    hints = hints_of(function)
    names = list(inspect.signature(function).parameters)
    if not names:
        raise TypeError(f"{function.__qualname__} takes nothing: its first parameter is the message")
    message = hints.get(names[0])
    together = _element(message) is not None
    _check_message(function, _element(message) if together else message, kinds)
    context = state = state_type = None
    for name in names[1:]:
        hint = _element(hints.get(name)) if together else hints.get(name)
        if hint is Context:
            context = name
        elif remembered := _argument(hint, State):
            state, state_type = name, remembered
        else:
            expected = ("list[Context]", "list[State[…]]") if together else ("Context", "State[…]")
            raise TypeError(
                f"{function.__qualname__}: annotate `{name}` as {expected[0]} or as {expected[1]} "
                "of a msgspec.Struct"
            )
    return Signature(inspect.iscoroutinefunction(function), together, context, state, state_type)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function's parameters, and of what it returns.

    Raises:
        TypeError: one cannot be looked up; the message names it.
    """
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        raise TypeError(
            f"{function.__qualname__}: the annotation {error.name!r} cannot be looked up when this runs: "
            "define or import it at the top of the file, outside of `if TYPE_CHECKING`"
        ) from error


def _check_message(function: Callable[..., Any], hint: object, kinds: Collection[type]) -> None:
    """Refuse an annotation of the message that leaves out a kind that will come; none at all is fine."""
    taken = typing.get_args(hint) or (hint,)
    if Any in taken or not all(isinstance(one, type) for one in taken):
        return
    if missing := [kind.__name__ for kind in kinds if not issubclass(kind, taken)]:
        told = " and ".join(one.__name__ for one in taken)
        raise TypeError(
            f"{function.__qualname__} gets {' and '.join(missing)} by what its worker reads, but takes {told}"
        )


def takes_states(function: Callable[..., Any], remembered: type[msgspec.Struct] | None) -> bool:
    """Whether a timer's function takes what is remembered, beside the time.

    Raises:
        TypeError: its parameters are other ones; the message says which they may be.
    """
    hints = hints_of(function)
    found = [hints.get(name) for name in inspect.signature(function).parameters]
    allowed = found[:1] == [datetime] and (
        found[1:] == [] or (len(found) == 2 and _argument(found[1], States) is remembered is not None)
    )
    if not allowed or inspect.iscoroutinefunction(function):
        told = f"States[{remembered.__name__}]" if remembered else "nothing more: its worker has no state"
        raise TypeError(
            f"{function.__qualname__}: a timer is a plain function that takes a datetime and {told}"
        )
    return len(found) == 2


def _element(hint: object) -> object:
    """The ``T`` of ``list[T]`` or ``Sequence[T]``, where the hint is that."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) in {list, Sequence} else None


def _argument(hint: object, kind: type) -> type[msgspec.Struct] | None:
    """The struct in ``State[T]`` or ``States[T]``, where the hint is that."""
    if typing.get_origin(hint) is not kind:
        return None
    (remembered,) = typing.get_args(hint)
    return remembered if isinstance(remembered, type) and issubclass(remembered, msgspec.Struct) else None

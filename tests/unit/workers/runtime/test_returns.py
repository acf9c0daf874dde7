"""What a function's annotation says that it returns, its worker has to write."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from schemas.callback import Callback
from schemas.message import Message, Topic
from schemas.outcome import Outcome
from schemas.score import Score
from workers.runtime.api import Dropped, Failure, Function, Keyed, Output, Raw, Result, Source, Worker, worker


class Base(Message, topic="base"):
    """A message from which another one is derived."""


class Derived(Base, topic="derived"):
    """Another one."""


def one(_callback: Callback) -> Outcome:
    raise NotImplementedError


def one_or_none(_callback: Callback) -> Outcome | None: ...


def a_list(_callback: Callback) -> list[Outcome]:
    raise NotImplementedError


def yielded(_callback: Callback) -> Iterator[Dropped | Outcome]:
    raise NotImplementedError


def generated(_callback: Callback) -> Generator[Outcome, Score, Score]:
    raise NotImplementedError


def several(_callback: Callback) -> tuple[Failure, Outcome]:
    raise NotImplementedError


def together(_callbacks: list[Callback]) -> list[list[Outcome] | None]:
    raise NotImplementedError


async def awaited(_callback: Callback) -> Outcome | Raw:
    raise NotImplementedError


def based(_callback: Callback) -> Base:
    raise NotImplementedError


def of(function: Function, writes: Source | tuple[Source, ...]) -> Worker:
    return worker("said", reads=Callback, writes=writes)(function)


@pytest.mark.parametrize(
    "function", [one, one_or_none, a_list, yielded, generated, several, together, awaited]
)
def test_what_a_function_returns_by_its_annotation_has_to_be_written(function: Function) -> None:
    without: list[Source | tuple[Source, ...]] = [(), Score, Topic("other")]
    for writes in without:
        with pytest.raises(
            TypeError, match=f"said: {function.__name__} returns Outcome, which `writes=` does not"
        ):
            of(function, writes)
    among: list[Source | tuple[Source, ...]] = [Outcome, (Score, Outcome), Outcome.topic]
    for writes in among:
        assert of(function, writes).name == "said"


def test_all_that_is_not_written_is_named() -> None:
    def both(_callback: Callback) -> Outcome | list[Score] | Derived:
        raise NotImplementedError

    with pytest.raises(TypeError, match="both returns Outcome and Score, which"):
        of(both, Derived)


def test_a_kind_stands_for_those_that_are_derived_from_it() -> None:
    assert of(based, Derived).name == "said"
    with pytest.raises(TypeError, match="based returns Base"):
        of(based, Outcome)


def test_what_cannot_be_told_is_fine() -> None:
    def nothing(_callback: Callback) -> None: ...
    def outputs(_callback: Callback) -> Iterator[Output]:
        raise NotImplementedError

    def result(_callback: Callback) -> Result: ...
    def anything(_callback: Callback) -> Any: ...  # noqa: ANN401, RUF100 - the point
    def message(_callback: Callback) -> Message:
        raise NotImplementedError

    def others(_callback: Callback) -> Keyed | Raw | Failure | Dropped:
        raise NotImplementedError

    for function in (nothing, outputs, result, anything, message, others, lambda _callback: None):
        assert of(function, ()).name == "said"

"""What a function returns or raises by mistake is told as an unexpected error of its record, and costs no other."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

import pytest

from schemas import headers as h
from schemas.callback import Callback
from schemas.message import Message, Topic
from schemas.topics import FAILURES
from tests.unit.workers.records import Lane, only, record
from workers.runtime.api import Dropped, Failure, Keyed, Raw, Reject, Retry, worker


class Out(Message, topic="outs"):
    """A message."""

    n: int


class Why(StrEnum):
    """A text that is of a type of its own."""

    DULL = "dull"


OUTS = Out.topic
EXPECTED = "return a message, Keyed, Raw, Failure, Dropped, several of them, or None"


def told_of(make: Callable[[], object]) -> str:
    """What is said of a record whose function returns or raises this; another record goes through."""

    def wrong(callback: Callback) -> Any:
        return make() if callback.body == b"wrong" else Out(1)

    lane = Lane(worker("wrong", reads=Callback, writes=Out)(wrong))
    batch = lane.handle(record(b"wrong"), record(b"fine"))
    assert batch.failed == {"unexpected-error": 1}
    assert only(Out, batch).value == b'{"n":1}'
    return only(FAILURES, batch).headers[h.ERROR_MESSAGE]


def raising(make: Callable[[], Exception]) -> Callable[[], object]:
    def function() -> object:
        raise make()

    return function


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Out, f"wrong returned the class Out itself: {EXPECTED}"),
        (lambda: {"n": 1}, f"wrong returned a dict: {EXPECTED}"),
        (lambda: [Out(1), None], f"wrong returned None: {EXPECTED}"),
        (lambda: "text", f"wrong returned a str: {EXPECTED}"),
        (lambda: Keyed(cast("Any", 1), Out(1)), "Keyed's key: expected a str, not an int"),
        (lambda: Keyed("k", cast("Any", {"n": 1})), "Keyed's message: expected a message, not a dict"),
        (
            lambda: Keyed("k", cast("Any", Out)),
            "Keyed's message: expected a message, not the class Out itself",
        ),
        (lambda: Raw(cast("Any", "outs"), b"", b""), "Raw's topic: expected a Topic, not a str"),
        (lambda: Raw(OUTS, cast("Any", "k"), b""), "Raw's key: expected bytes or None, not a str"),
        (lambda: Raw(OUTS, b"", cast("Any", None)), "Raw's value: expected bytes, not None"),
        (
            lambda: Raw(OUTS, b"", b"", cast("Any", [])),
            "Raw's headers: expected a mapping of str to str, not a list",
        ),
        (
            lambda: Raw(OUTS, b"", b"", cast("Any", {"x": b"y"})),
            "Raw's headers: expected a mapping of str to str, but a bytes is among them",
        ),
        (
            lambda: Raw(OUTS, b"", b"", cast("Any", {b"x": "y"})),
            "Raw's headers: expected a mapping of str to str, but a bytes is among them",
        ),
        (
            lambda: Raw(OUTS, b"", b"", {}, cast("Any", OUTS)),
            "Raw's otherwise: expected a Raw or None, not a Topic",
        ),
        (lambda: Failure(cast("Any", 404), ""), "Failure's reason: expected a str, not an int"),
        (lambda: Failure("x", cast("Any", None)), "Failure's message: expected a str, not None"),
        (lambda: Dropped(cast("Any", ["x"])), "Dropped's why: expected a str, not a list"),
        (raising(lambda: Reject(cast("Any", 404), "")), "Reject's reason: expected a str, not an int"),
        (
            raising(lambda: Retry("", after=cast("Any", 60))),
            "Retry's after: expected a timedelta or a str such as 1m, not an int",
        ),
        (
            raising(lambda: Retry("", after="5 minutes")),
            "expected a delay such as 5s, 1m or 2h: a whole number and its unit",
        ),
    ],
)
def test_what_is_wrong_is_said_and_what_is_expected(make: Callable[[], object], told: str) -> None:
    assert told_of(make).partition(": ")[2] == told


def test_the_stack_shows_the_line_that_made_it() -> None:
    def careless(_callback: Callback) -> Keyed:
        return Keyed(cast("Any", 1), Out(1))

    batch = Lane(worker("careless", reads=Callback, writes=Out)(careless)).handle(record(b"x"))
    assert "in careless" in only(FAILURES, batch).headers[h.ERROR_EXCEPTION]


def test_a_text_of_any_type_is_a_text() -> None:
    assert Raw(Topic("any"), None, b"", {Why.DULL: Why.DULL}).headers == {"dull": "dull"}
    assert (Dropped(Why.DULL).why, Failure(Why.DULL, "").reason) == ("dull", "dull")


def test_a_function_that_takes_a_list_returns_one() -> None:
    def none(_callbacks: list[Callback]) -> Any:
        return None

    batch = Lane(worker("none", reads=Callback)(none)).handle(record(b"x"))
    told = only(FAILURES, batch).headers[h.ERROR_MESSAGE]
    assert told == "TypeError: none returned None for a list of records: return a list"

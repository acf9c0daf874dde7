"""`@worker`: what makes a worker of a function, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest

from schemas.callback import Callback, Task
from schemas.message import Message, Topic
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import FAILURES
from workers.catalogue import BUILT_IN
from workers.runtime.api import Context, Function, Output, Raw, Source, State, States, Worker, worker
from workers.runtime.signature import Signature
from workers.settings import WorkerSettings


class Remembered(msgspec.Struct, frozen=True):
    """A state."""


class Other(msgspec.Struct):
    """Another state."""


@worker("both", reads=(Callback, Score), writes=(Task, Outcome))
def both(_message: Callback | Score, told: Context, mine: State[Remembered]) -> Output | None:
    """Take everything that a worker may take."""
    return Task(told.key.encode()) if mine.get() else None


@worker("plain", reads=Callback)
def plain(callback: Callback) -> None:
    """Take the message only."""


def test_a_worker_knows_its_parameters_by_their_annotations() -> None:
    assert both.signature == Signature(context="told", state="mine", state_type=Remembered)
    assert both.state_type is Remembered
    assert (plain.signature, plain.state_type) == (Signature(), None)


def test_a_worker_can_be_called_like_its_function() -> None:
    assert plain(Callback(b"")) is None


def test_one_source_or_several_may_be_given() -> None:
    assert both.sources == [Callback.topic, Score.topic]
    assert plain.sources == [Callback.topic]
    assert plain.writes == ()
    assert worker("raw", reads=Topic("raw"))(lambda _value: None).sources == [Topic("raw")]


@pytest.mark.parametrize("name", ["x", "render", "loudest-note", "v2", "2", "a--b", "x" * 100])
def test_a_name_has_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert worker(name, reads=Callback)(plain.function).name == name


@pytest.mark.parametrize(
    "name",
    ["", "Render", "my_worker", "my worker", "a.b", "a/b", "straße", "٣", "日本", "x\n", "x²", "x" * 101],
)
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower case letters, digits and hyphens"):
        worker(name, reads=Callback)


def test_a_parameter_that_is_neither_context_nor_state_is_refused_by_name() -> None:
    def unannotated(_message, extra):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, RUF100 - the point
        return extra

    def wrong(_message: Callback, extra: int) -> None: ...
    def bare_state(_message: Callback, extra: State) -> None: ...  # type: ignore[type-arg]  # the point
    def state_of_no_struct(_message: Callback, extra: State[int]) -> None: ...  # type: ignore[type-var]
    def state_of_two(_message: Callback, extra: State[Remembered | Score]) -> None: ...
    def keyword(_message: Callback, *, extra: str = "") -> None: ...
    def many(_message: Callback, *extra: Callback) -> None: ...

    for function in (unannotated, wrong, bare_state, state_of_no_struct, state_of_two, keyword, many):
        with pytest.raises(TypeError, match=rf"{function.__name__}: annotate `extra`"):
            worker("refused", reads=Callback)(function)


def test_retries_wait_in_a_topic_a_delay_with_one_for_redrives() -> None:
    settings = WorkerSettings(retry_delays=("5s", "2h"))
    names = {topic.name for topic in plain.topics(settings)}
    assert names == {"callbacks", "retry.plain.now", "retry.plain.5s", "retry.plain.2h", "failures"}


def test_a_worker_without_retries_has_no_retry_topics() -> None:
    once = worker("once", reads=FAILURES, writes=Outcome, retries=False)(lambda _value: None)
    assert [topic.name for topic in once.topics(WorkerSettings())] == ["failures", "outcomes"]


def test_a_worker_with_state_has_a_changelog_kept_for_the_window() -> None:
    (changelog,) = [t for t in both.topics(WorkerSettings(dedup_window_days=3)) if "changelog" in t.name]
    assert (changelog.name, changelog.cleanup) == ("both.changelog", "compact,delete")
    assert changelog.retention_ms == 3 * 24 * 60 * 60 * 1000


@pytest.mark.parametrize("built_in", BUILT_IN.values(), ids=BUILT_IN)
def test_the_built_in_workers_read_and_write_what_the_design_says(built_in: Worker) -> None:
    design = {
        "deduplicate": ({"callbacks"}, {"tasks", "outcomes", "dead-letter.status"}, True, True),
        "normalize": ({"tasks"}, {"scores"}, False, True),
        "render": ({"scores"}, {"files"}, False, True),
        "store": ({"tasks", "scores", "files"}, {"outcomes"}, True, True),
        "route-failures": ({"failures"}, {"dead-letter", "outcomes"}, False, False),
    }
    writes = {topic.name for topic in built_in.topics(WorkerSettings())}
    reads, written, state, retries = design[built_in.name]
    delays = {f"retry.{built_in.name}.{delay}" for delay in ("now", "5s", "1m", "10m")} if retries else set()
    changelog = {f"{built_in.name}.changelog"} if state else set()
    assert {topic.name for topic in built_in.sources} == reads
    assert writes == reads | written | delays | changelog | {"failures"}


def test_lists_are_for_all_records_that_are_due() -> None:
    @worker("many", reads=Callback)
    async def many(
        _all: list[Callback], told: Sequence[Context], mine: list[State[Remembered]]
    ) -> list[None]:
        return [None for _ in zip(told, mine, strict=True)]

    assert many.signature == Signature(
        asynchronous=True, together=True, context="told", state="mine", state_type=Remembered
    )


def test_a_function_that_mixes_one_and_many_is_refused() -> None:
    def one_context(_all: list[Callback], extra: Context) -> list[None]:
        raise NotImplementedError

    def many_contexts(_message: Callback, extra: list[Context]) -> None: ...

    for function in (one_context, many_contexts):
        with pytest.raises(TypeError, match=r"annotate `extra` as (list\[)?Context"):
            worker("refused", reads=Callback)(function)


def test_a_function_that_takes_nothing_or_yields_while_async_is_refused() -> None:
    async def yielding(_message: Callback) -> AsyncIterator[Task]:
        yield Task(b"")

    with pytest.raises(TypeError, match="yielding is async and yields"):
        worker("refused", reads=Callback)(yielding)  # type: ignore[arg-type]  # what a user may try
    with pytest.raises(TypeError, match="takes nothing"):
        worker("refused", reads=Callback)(lambda: None)


def test_an_annotation_that_cannot_be_looked_up_is_named() -> None:
    def hidden(_message: Elsewhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - the point

    with pytest.raises(TypeError, match=r"'Elsewhere' cannot be looked up .*TYPE_CHECKING"):
        worker("refused", reads=Callback)(hidden)


async def sleepy(_message: Callback) -> None: ...
async def sleepy_list(_all: list[Callback]) -> list[None]:
    return []


@pytest.mark.parametrize(
    ("function", "concurrency"),
    [(sleepy, 0), (sleepy, -1), (sleepy, 101), (sleepy_list, 2), (plain.function, 2)],
)
def test_concurrency_is_for_async_functions_of_one_record_and_bounded(
    function: Function, concurrency: int
) -> None:
    with pytest.raises(ValueError, match="refused: concurrency is"):
        worker("refused", reads=Callback, concurrency=concurrency)(function)


def test_two_topics_by_name_cannot_be_told_apart_when_they_come_again() -> None:
    with pytest.raises(ValueError, match="retries=False"):
        worker("refused", reads=(Topic("one"), Topic("two")))
    assert worker("fine", reads=(Topic("one"), Topic("two")), retries=False)(lambda _raw: None).sources


@pytest.mark.parametrize("reads", [(), (Callback, Callback), (Callback, Callback.topic)])
def test_a_worker_reads_something_and_no_topic_twice(reads: tuple[Source, ...]) -> None:
    with pytest.raises(ValueError, match="has to read something, and no topic twice"):
        worker("refused", reads=reads)


def test_what_is_said_to_be_unhurried_is_read_or_named() -> None:
    with pytest.raises(ValueError, match=r"unhurried: Outcome and 'other'$"):
        worker("refused", reads=Callback, unhurried=(Callback, Outcome, Topic("other")))


class Homeless(Message):
    """A message whose author forgot its topic."""

    n: int


class TopicAsField(Message):
    """A message whose author put the topic where the fields are."""

    topic: str  # type: ignore[assignment, misc]  # the point


@pytest.mark.parametrize("option", ["reads", "writes", "unhurried"])
def test_a_message_without_a_topic_is_refused_with_what_to_write(option: str) -> None:
    for kind in (Homeless, TopicAsField):
        options: dict[str, Any] = {"reads": Callback, option: (Callback, kind)}
        told = rf"q: {option} {kind.__name__}, which has no topic: `class {kind.__name__}\(Message, topic=\"…\"\)`"
        with pytest.raises(TypeError, match=told):
            worker("q", **options)


@pytest.mark.parametrize(
    ("said", "told"), [("scores", "'scores'"), ([Score], r"\[.*Score.*\]"), (Raw, "Raw"), (None, "None")]
)
@pytest.mark.parametrize("option", ["reads", "writes", "unhurried"])
def test_what_is_no_message_and_no_topic_is_refused(option: str, said: object, told: str) -> None:
    options: dict[str, Any] = {"reads": Callback, option: said}
    with pytest.raises(
        TypeError, match=f"q: {option}= is a Message class, a Topic, or a tuple of these, not {told}"
    ):
        worker("q", **options)


def test_another_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="on_error is 'retry' or 'reject', not 'drop'"):
        worker("refused", reads=Callback, on_error="drop")  # type: ignore[arg-type]  # what a user may try


def test_a_function_that_does_not_take_what_its_worker_reads_is_refused() -> None:
    def one(_message: Callback) -> None: ...
    def value(_value: bytes) -> None: ...
    def several(_messages: list[Callback]) -> list[None]:
        return []

    table: list[tuple[Function, Source | tuple[Source, ...], str]] = [
        (one, Score, "Score"),
        (one, (Callback, Score, Task), "Score and Task"),
        (value, Topic("any"), "Raw"),
        (several, (Callback, Topic("any")), "Raw"),
    ]
    for function, reads, missing in table:
        with pytest.raises(TypeError, match=f" gets {missing} by what"):
            worker("refused", reads=reads)(function)


def test_an_annotation_may_be_wider_than_what_is_read_or_missing() -> None:
    def message(_message: Message) -> None: ...
    def anything(_message: Any) -> None: ...  # noqa: ANN401, RUF100 - the point
    def union(_message: Callback | Score | Raw) -> None: ...

    for function in (message, anything, union, lambda _message: None):
        assert worker("fine", reads=(Callback, Score))(function).name == "fine"


def test_a_timer_takes_the_time_and_what_its_worker_remembers() -> None:
    w = worker("timed", reads=Callback)(both.function)

    @w.every("1m")
    def minutely(_now: datetime, _states: States[Remembered]) -> None: ...

    @w.every("2h")
    def bare(_now: datetime) -> None: ...

    assert [(t.name, t.seconds, t.takes_states) for t in w.timers] == [
        ("minutely", 60, True),
        ("bare", 7200, False),
    ]
    assert [w.timers[0].next_after(s) for s in (0, 59.9, 60, 61)] == [60, 60, 120, 120]


def test_another_function_is_no_timer() -> None:
    def nothing() -> None: ...
    def a_message(_message: Callback) -> None: ...
    def others_state(_now: datetime, _states: States[Other]) -> None: ...
    def one_state(_now: datetime, _state: State[Remembered]) -> None: ...
    async def waiting(_now: datetime) -> None: ...

    for function in (nothing, a_message, others_state, one_state, waiting):
        with pytest.raises(TypeError, match=r"a timer is a plain function that takes a datetime and States"):
            worker("timed", reads=Callback)(both.function).every("1m")(function)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="its worker has no state"):
        worker("timed", reads=Callback)(plain.function).every("1m")(others_state)
    with pytest.raises(ValueError, match=r"plain: every\('1 minute'\): expected a delay such as 5s"):
        plain.every("1 minute")

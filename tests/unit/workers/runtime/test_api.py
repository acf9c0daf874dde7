"""`@worker`: what makes a worker of a function, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from schemas.callback import Callback, Task
from schemas.message import Topic
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import FAILURES
from workers.catalogue import BUILT_IN
from workers.runtime.api import Context, Output, State, Worker, worker
from workers.settings import WorkerSettings


class Remembered(msgspec.Struct, frozen=True):
    """A state."""


@worker("both", reads=(Callback, Score), writes=(Task, Outcome))
def both(_message: Callback | Score, told: Context, mine: State[Remembered]) -> Output | None:
    """Take everything that a worker may take."""
    return Task(told.key.encode()) if mine.get() else None


@worker("plain", reads=Callback)
def plain(callback: Callback) -> None:
    """Take the message only."""


def test_a_worker_knows_its_parameters_by_their_annotations() -> None:
    assert both.parameters == {"context": "told", "state": "mine"}
    assert both.state_type is Remembered
    assert (plain.parameters, plain.state_type) == ({}, None)


def test_a_worker_can_be_called_like_its_function() -> None:
    assert plain(Callback(b"")) is None


def test_one_source_or_several_may_be_given() -> None:
    assert both.sources == [Callback.topic, Score.topic]
    assert plain.sources == [Callback.topic]
    assert plain.writes == ()
    assert worker("raw", reads=Topic("raw"))(lambda _value: None).sources == [Topic("raw")]


@pytest.mark.parametrize("name", ["x", "render", "loudest-note", "v2", "2", "a--b"])
def test_a_name_has_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert worker(name, reads=Callback)(plain.function).name == name


@pytest.mark.parametrize(
    "name", ["", "Render", "my_worker", "my worker", "a.b", "a/b", "straße", "٣", "日本", "x\n", "x²"]
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


def test_an_async_function_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="is async"):

        @worker("sleepy", reads=Score)  # type: ignore[arg-type]  # what a user may try
        async def sleepy(_score: Score) -> None: ...

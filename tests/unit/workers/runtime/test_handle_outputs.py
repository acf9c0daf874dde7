"""What a worker's function is given, and what records become of what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import msgspec
import pytest

from broker.partitioner import partition
from schemas import headers as h
from schemas.callback import Callback, Task
from schemas.file import MidiFile
from schemas.message import Message, Topic
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import DEAD_LETTER, FAILURES
from tests.unit.workers.records import NOON_MS, RECEIPT, Lane, only, record, to
from workers.runtime.api import Context, Dropped, Failure, Function, Keyed, Output, Raw, Result, State, worker
from workers.runtime.handle import Batch
from workers.settings import WorkerSettings


class Sum(Message, topic="sums", kind="test.sum", version=4):
    """A message whose version is not the first."""

    total: int


class Counted(msgspec.Struct, frozen=True):
    """How many records of a key there were."""

    times: int


@worker("count", reads=Callback, writes=Sum)
def count(_callback: Callback, state: State[Counted]) -> Sum:
    """Count the records of each key."""
    before = state.get()
    times = before.times + 1 if before else 1
    state.put(Counted(times))
    return Sum(times)


ANYTHING: Callable[[object], Any] = lambda value: value  # noqa: E731 - what no type checker would let pass
SCORE = Score(task_id="a1", duration=0, warnings=[], instruments=[])


def test_an_output_inherits_the_receipts_headers_and_has_its_own_kind_and_version() -> None:
    headers = {**RECEIPT, "midi-correlation-user": "7", h.TRACEPARENT: "00-a-b-01", "x-other": "y"}
    written = only(Sum, Lane(count).handle(record(b"x", headers=headers)))
    assert written.key == b"a1"
    assert written.headers == {**headers, h.CE_TYPE: "test.sum", h.SCHEMA: "4"}
    assert written.timestamp_ms is None


def test_an_output_of_a_retry_tells_of_no_error() -> None:
    failed = {h.ERROR_ATTEMPTS: "2", h.ERROR_FIRST_AT: "2026-05-01T12:00:00.000000Z"}
    retry = record(b"x", topic="midi.retry.count.5s", headers={**RECEIPT, **failed})
    written = only(Sum, Lane(count).handle(retry))
    assert not [name for name in written.headers if name.startswith(h.ERROR)]


def test_what_a_foreign_producer_left_out_is_the_same_at_every_try() -> None:
    foreign = record(b"x", offset=17, headers={"x-other": "y"})
    one, other = (only(Sum, Lane(count).handle(foreign)).headers for _ in range(2))
    assert one == other
    assert one == {
        "x-other": "y",
        h.CE_ID: "midi.callbacks/3/17",
        h.CE_TYPE: "test.sum",
        h.CE_SOURCE: "/midi-ingest",
        h.CE_TIME: "2026-05-01T12:00:00.000000Z",
        h.CE_SPECVERSION: "1.0",
        h.CONTENT_TYPE: "application/json",
        h.SCHEMA: "4",
        h.DIALECT: "auto",
        h.ORIGIN: "callback",
    }


def contexts_of(*records: tuple[str, dict[str, str]]) -> list[Context]:
    """What a worker is told about records, each given as its topic and headers."""
    seen: list[Context] = []

    @worker("look", reads=Callback)
    def look(_callback: Callback, about: Context) -> None:
        seen.append(about)

    lane = Lane(look, WorkerSettings(renderer="mido"))
    lane.handle(*(record(b"x", topic=topic, headers=headers, offset=5) for topic, headers in records))
    return seen


def test_the_context_tells_what_is_known_of_the_record() -> None:
    (context,) = contexts_of(("midi.callbacks", RECEIPT))
    assert (context.key, context.topic, context.partition, context.offset) == ("a1", "midi.callbacks", 3, 5)
    assert (context.timestamp_ms, context.attempt, context.redriven) == (NOON_MS, 1, False)
    assert context.headers == RECEIPT
    assert context.settings.renderer == "mido"


def test_the_context_of_a_foreign_record_has_the_headers_filled_in() -> None:
    (context,) = contexts_of(("midi.callbacks", {h.DIALECT: "kie.ai"}))
    assert context.headers[h.DIALECT] == "kie.ai"
    assert context.headers[h.ORIGIN] == "callback"
    assert context.headers[h.CE_ID] == "midi.callbacks/3/5"


@pytest.mark.parametrize(
    ("attempts", "attempt"), [("", 1), ("1", 2), ("3", 4), ("-1", 1), ("two", 1), ("²", 1), ("9" * 30, 10**9)]
)
def test_the_context_counts_attempts_from_1(attempts: str, attempt: int) -> None:
    (context,) = contexts_of(("midi.retry.look.5s", {**RECEIPT, h.ERROR_ATTEMPTS: attempts}))
    assert context.attempt == attempt


def test_only_what_comes_by_the_topic_now_was_sent_again_by_an_operator() -> None:
    topics = ["midi.callbacks", "midi.retry.look.5s", "midi.retry.look.now"]
    assert [c.redriven for c in contexts_of(*((topic, RECEIPT) for topic in topics))] == [False, False, True]


@worker("all-kinds", reads=Callback, writes=(Sum, Outcome, DEAD_LETTER))
def all_kinds(callback: Callback) -> Iterator[Output]:
    """Every kind of output."""
    letter = Raw(DEAD_LETTER, b"a1", callback.body, {"only": "this"})
    yield Sum(1)
    yield Keyed("other", Sum(2))
    yield letter
    yield Failure("broken", "It is broken.")
    yield Dropped("dull")
    yield Dropped("dull")


def test_a_worker_may_return_several_outputs_of_every_kind() -> None:
    batch = Lane(all_kinds).handle(record(b"\xffbody"))
    assert [(write.key, write.value) for write in to(Sum, batch.writes)] == [
        (b"a1", b'{"total":1}'),
        (b"other", b'{"total":2}'),
    ]
    assert batch.dropped == {"dull": 2}
    assert batch.failed == {"broken": 1}
    assert only(FAILURES, batch).headers[h.ERROR_MESSAGE] == "It is broken."


def test_a_raw_output_goes_byte_for_byte_with_the_headers_given() -> None:
    letter = only(DEAD_LETTER, Lane(all_kinds).handle(record(b"\xffbody")))
    assert (letter.key, letter.value, letter.headers) == (b"a1", b"\xffbody", {"only": "this"})


def test_another_key_is_written_where_kafkas_producers_put_it_and_the_records_own_where_the_record_is() -> (
    None
):
    batch = Lane(all_kinds, WorkerSettings(partitions=5)).handle(record(b"x"))
    assert [write.partition for write in to(Sum, batch.writes)] == [None, partition(b"other", 5)]
    assert only(DEAD_LETTER, batch).partition is None


@worker("copy", reads=Topic("anything"), writes=Topic("copies"))
def copy(raw: Raw) -> Raw:
    """Do as the record's headers say."""
    key = raw.headers.get("key", "a1").encode() or None
    target, otherwise = raw.headers.get("to", "copies"), raw.headers.get("otherwise")
    other = Raw(Topic(otherwise), key, b"other") if otherwise else None
    return Raw(Topic(target), key, raw.value * int(raw.headers.get("times", "1")), {}, other)


def copied(key: str | bytes | None = "a1", **headers: str) -> Batch:
    return Lane(copy).handle(record(b"\xff\x00", topic="midi.anything", key=key, headers=headers))


def test_a_worker_that_reads_a_topic_by_name_gets_raw_records_and_may_choose_another_key() -> None:
    written = only(Topic("copies"), copied(key="new"))
    assert (written.key, written.value, written.partition) == (b"a1", b"\xff\x00", partition(b"a1", 6))
    assert only(Topic("copies"), copied(key="a1")).partition is None
    without = Lane(copy).handle(record(b"x", topic="midi.anything", headers={"key": ""}))
    assert (only(Topic("copies"), without).key, only(Topic("copies"), without).partition) == (None, None)


def test_a_topic_that_is_not_in_writes_needs_one_that_is_to_take_its_place() -> None:
    batch = copied(to="elsewhere")
    assert batch.failed == {"unexpected-error": 1}
    told = only(FAILURES, batch).headers[h.ERROR_MESSAGE]
    assert (
        told == "TypeError: copy returned a record for the topic elsewhere but does not name it in `writes`"
    )
    assert copied(to="elsewhere", otherwise="nowhere").failed == {"unexpected-error": 1}
    written = only(Topic("elsewhere"), copied(to="elsewhere", otherwise="copies"))
    assert written.otherwise
    assert (written.otherwise.topic, written.otherwise.value) == (Topic("copies"), b"other")


def returning(output: Any) -> Function:
    """A function that returns this."""
    return lambda _message: output


def test_a_message_that_is_not_in_writes_is_called_as_its_author_calls_it() -> None:
    class Homeless(Message):
        """It has no topic at all."""

    for stray in (Sum(1), Homeless()):
        nowrites = worker("nowrites", reads=Callback)(returning(stray))
        told = only(FAILURES, Lane(nowrites).handle(record(b"x"))).headers[h.ERROR_MESSAGE]
        name = type(stray).__name__
        assert told == f"TypeError: nowrites returned {name} but does not name it in `writes`"


def test_a_raw_output_too_large_for_its_topic_is_the_records_own_failure() -> None:
    assert copied(times="5000000").failed == {"too-large": 1}


def test_headers_too_large_for_a_record_are_the_records_own_failure() -> None:
    headers = {**RECEIPT, "x-note": "x" * 20_000}
    lane = Lane(all_kinds, WorkerSettings(max_body_bytes=1024))
    assert not lane.handle(record(b"x", headers=headers)).failed.keys() - {"broken"}
    huge = {**RECEIPT, "x-note": "x" * 1_100_000}
    assert lane.handle(record(b"x", headers=huge)).failed == {"too-large": 1}


@pytest.mark.parametrize("result", [None, [], (), Dropped("dull"), [Dropped("dull")]])
def test_a_worker_may_return_nothing(result: Result) -> None:
    @worker("silent", reads=Callback)
    def silent(_callback: Callback) -> Result:
        return result

    batch = Lane(silent).handle(record(b"x"))
    assert (batch.handled, batch.writes) == (1, [])


def test_a_message_that_is_not_declared_is_a_failure_that_says_so() -> None:
    @worker("undeclared", reads=Callback, writes=Sum)
    def undeclared(callback: Callback) -> Output:
        return Task(callback.body)

    batch = Lane(undeclared).handle(record(b"x"))
    assert [write.topic for write in batch.writes] == [FAILURES]
    assert "`writes`" in only(FAILURES, batch).headers[h.ERROR_MESSAGE]


@pytest.mark.parametrize("result", [7, "text", b"bytes", {"total": 1}, [None], [Sum(1), "text"], Sum])
def test_what_is_no_output_is_a_failure_and_never_ignored(result: object) -> None:
    @worker("wrong", reads=Callback, writes=Sum)
    def wrong(_callback: Callback) -> Result:
        return result  # type: ignore[return-value]  # that is the point

    batch = Lane(wrong).handle(record(b"x"))
    assert batch.failed == {"unexpected-error": 1}
    assert [write.topic for write in batch.writes] == [FAILURES]


class Priced(Message, topic="prices"):
    """A message whose number has to be a finite one."""

    price: Annotated[float, msgspec.Meta(ge=0)]


class Worded(Message, topic="words"):
    """A message that a class of its own encodes, badly."""

    def encode(self) -> bytes:
        return "{}"  # type: ignore[return-value]  # that is the point


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Sum(ANYTHING("one")), "Sum: Expected `int`, got `str` - at `$.total`"),
        (Priced(float("nan")), "Priced: Expected `float`, got `null` - at `$.price`"),
        (Priced(-1), "Priced: Expected `float` >= 0.0 - at `$.price`"),
        (Priced(ANYTHING({1: ...})), "Priced: Encoding objects of type ellipsis"),
        (MidiFile(ANYTHING("MThd")), "MidiFile: Expected `bytes`, got `str` - at `$.body`"),
        (Worded(), "Worded: encoded as `str`, not as `bytes`"),
    ],
    ids=["type", "nan", "constraint", "no-json", "body", "encode"],
)
def test_a_message_that_its_class_could_not_read_is_never_written(message: Message, told: str) -> None:
    @worker("wrong", reads=Callback, writes=(Sum, Priced, MidiFile, Worded))
    def wrong(callback: Callback) -> list[Message]:
        return [Sum(1), message] if callback.body == b"bad" else [Sum(2)]

    batch = Lane(wrong).handle(record(b"bad"), record(b"good"))
    assert batch.failed == {"unexpected-error": 1}
    assert f"wrong returned an unreadable {told}" in only(FAILURES, batch).headers[h.ERROR_MESSAGE]
    assert [write.value for write in batch.writes if write.topic != FAILURES] == [b'{"total":2}']


def test_a_tombstone_is_counted_and_never_reaches_the_worker() -> None:
    batch = Lane(count).handle(record(None), record(b"x"))
    assert batch.handled == 2
    assert batch.dropped == {"tombstone": 1}
    assert only(Sum, batch).value == b'{"total":1}'


def test_a_value_that_is_empty_is_no_tombstone() -> None:
    assert only(Sum, Lane(count).handle(record(b""))).value == b'{"total":1}'


@worker("several", reads=(Task, Score, MidiFile), writes=Outcome)
def several(message: Task | Score | MidiFile) -> Outcome:
    """Say what came."""
    return Outcome(task_id="a1", status="complete", message=type(message).__name__)


@pytest.mark.parametrize("message", [Task(b"{}"), SCORE, MidiFile(b"MThd")])
@pytest.mark.parametrize("delay", ["5s", "now"])
def test_a_worker_with_several_sources_reads_each_by_its_topic_and_a_retry_by_its_kind(
    message: Message, delay: str
) -> None:
    said = []
    for topic, kind in ((message.topic.name, "nothing of value"), (f"retry.several.{delay}", message.kind)):
        came = record(message.encode(), topic=f"midi.{topic}", headers={**RECEIPT, h.CE_TYPE: kind})
        outcome = only(Outcome, Lane(several).handle(came))
        said.append(Outcome.decode(outcome.value or b"").message)
    assert said == [type(message).__name__] * 2


@pytest.mark.parametrize("headers", [{}, {h.CE_TYPE: "midi.callback"}, {h.CE_TYPE: "x" * 10_000}])
def test_a_retry_of_no_known_kind_is_rejected(headers: dict[str, str]) -> None:
    batch = Lane(several).handle(record(b"{}", topic="midi.retry.several.5s", headers=headers))
    failure = only(FAILURES, batch)
    assert failure.headers[h.ERROR_REASON] == "invalid-payload"
    assert h.CE_TYPE in failure.headers[h.ERROR_MESSAGE]


def test_a_worker_with_one_source_needs_no_kind_to_read_a_retry() -> None:
    batch = Lane(count).handle(record(b"x", topic="midi.retry.count.5s", headers={}))
    assert only(Sum, batch).value == b'{"total":1}'


def test_a_worker_may_read_messages_and_one_topic_by_name() -> None:
    got: list[object] = []

    @worker("mixed", reads=(Task, Topic("anything")))
    def mixed(message: Task | Raw, context: Context) -> None:
        got.append((context.key, message))

    lane = Lane(mixed)
    lane.handle(record(b"t", topic="midi.tasks"), record(b"r", topic="midi.anything", key=None, headers={}))
    lane.handle(record(b"again", topic="midi.retry.mixed.5s", headers={h.CE_TYPE: "foreign"}))
    assert got == [
        ("a1", Task(b"t")),
        ("", Raw(Topic("anything"), None, b"r", {})),
        ("a1", Raw(Topic("anything"), b"a1", b"again", {h.CE_TYPE: "foreign"})),
    ]


@pytest.mark.parametrize("told", ["", "4", "3", "four", "-1", "٣x"])
def test_a_version_and_the_one_before_are_read_and_so_is_what_does_not_tell_its_own(told: str) -> None:
    @worker("reader", reads=Sum, writes=Task)
    def reader(_message: Sum) -> Task:
        return Task(b"read")

    came = record(b'{"total":1}', topic="midi.sums", headers={**RECEIPT, h.SCHEMA: told})
    assert only(Task, Lane(reader).handle(came)).value == b"read"


@pytest.mark.parametrize("told", ["5", "2", "0", "9" * 5000])
def test_another_version_is_rejected_and_says_what_to_do(told: str) -> None:
    @worker("reader", reads=Sum)
    def reader(_message: Sum) -> None:
        raise AssertionError("never called")

    failure = only(FAILURES, Lane(reader).handle(record(b"{}", topic="midi.sums", headers={h.SCHEMA: told})))
    assert failure.headers[h.ERROR_REASON] == "unsupported-version"
    assert f"test.sum of version {told[:9]}" in failure.headers[h.ERROR_MESSAGE]


def test_the_prefix_tells_which_topic_is_which() -> None:
    mine = Lane(several, WorkerSettings(topic_prefix="mine."))
    outcome = only(Outcome, mine.handle(record(b"MThd", topic="mine.files", headers={})))
    assert Outcome.decode(outcome.value or b"").message == "MidiFile"

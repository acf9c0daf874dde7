"""What is raised costs only the record in work, which becomes a failure that tells all about itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas import headers as h
from schemas.callback import Callback, Task
from schemas.file import MidiFile
from schemas.message import Message
from schemas.score import Score
from schemas.topics import DEAD_LETTER, FAILURES, changelog
from tests.unit.workers.records import NOON_MS, RECEIPT, Lane, only, record, to
from workers.runtime.api import Context, Failure, Keyed, Output, Raw, Reject, Retry, State, worker
from workers.settings import WorkerSettings


class Echo(Message, topic="echoes", kind="test.echo"):
    """A message of any size."""

    text: str


class Seen(msgspec.Struct, frozen=True):
    """What was seen last."""

    text: str


@worker("echo", reads=Callback, writes=Echo)
def echo(callback: Callback, state: State[Seen]) -> list[Output]:
    """Remember the body and say it, unless it says otherwise."""
    text = callback.body.decode()
    state.put(Seen(text))
    match text.split():
        case ["reject", reason]:
            raise Reject(reason, "Not this one.")
        case ["fail", reason]:
            return [Echo(text), Failure(reason, "Beside the rest.")]
        case ["raise", what]:
            raise KeyError(what)
        case ["large", size]:
            return [Echo("small"), Echo("x" * int(size))]
        case ["surrogate"]:
            return [Keyed("\ud800", Echo("text"))]
    return [Echo(text)]


CHANGELOG = changelog("echo", timedelta(days=30))
TROUBLES = {
    b"reject no-good": "no-good",
    b"raise it": "unexpected-error",
    b"\xff": "unexpected-error",
    b"large 10000000": "too-large",
    b"surrogate": "unexpected-error",
}


@pytest.mark.parametrize(("body", "reason"), TROUBLES.items())
def test_what_is_raised_is_that_records_failure_and_its_siblings_go_on(body: bytes, reason: str) -> None:
    batch = Lane(echo).handle(record(b"before", offset=1), record(body, offset=2), record(b"after", offset=3))
    assert batch.handled == 3
    assert [write.value for write in to(Echo, batch.writes)] == [b'{"text":"before"}', b'{"text":"after"}']
    failure = only(FAILURES, batch)
    assert (failure.key, failure.value) == (b"a1", body)
    assert failure.headers[h.ERROR_REASON] == reason
    assert failure.headers[h.ERROR_OFFSET] == "2"
    assert batch.failed == {reason: 1}


@pytest.mark.parametrize("body", TROUBLES)
def test_the_state_of_a_failed_record_is_not_kept(body: bytes) -> None:
    lane = Lane(echo)
    batch = lane.handle(record(b"known"), record(body))
    assert [write.value for write in to(CHANGELOG, batch.writes)] == [b'{"text":"known"}']
    assert not to(CHANGELOG, lane.handle(record(body)).writes)
    assert lane.state is not None
    assert lane.state.get("a1", NOON_MS) == Seen("known")


def test_a_failure_that_is_returned_stands_beside_the_rest_and_keeps_the_state() -> None:
    lane = Lane(echo)
    batch = lane.handle(record(b"fail worn-out"))
    assert only(Echo, batch).value == b'{"text":"fail worn-out"}'
    assert only(FAILURES, batch).headers[h.ERROR_REASON] == "worn-out"
    assert batch.failed == {"worn-out": 1}
    assert lane.state is not None
    assert lane.state.get("a1", NOON_MS) == Seen("fail worn-out")


def test_a_failure_tells_where_why_when_and_by_whom() -> None:
    headers = {**RECEIPT, "midi-correlation-user": "7", h.TRACEPARENT: "00-a-b-01"}
    began = h.timestamp(datetime.now(UTC))
    failure = only(FAILURES, Lane(echo).handle(record(b"raise it", offset=17, headers=headers)))
    ended = h.timestamp(datetime.now(UTC))
    told = dict(failure.headers)
    assert began <= told[h.ERROR_FIRST_AT] == told.pop(h.ERROR_LAST_AT) <= ended
    told.pop(h.ERROR_FIRST_AT)
    assert "KeyError: 'it'" in told.pop(h.ERROR_EXCEPTION)
    assert told == {
        **headers,
        h.ERROR_REASON: "unexpected-error",
        h.ERROR_MESSAGE: "KeyError: 'it'",
        h.ERROR_WORKER: "echo",
        h.ERROR_TOPIC: "midi.callbacks",
        h.ERROR_PARTITION: "3",
        h.ERROR_OFFSET: "17",
        h.ERROR_TIMESTAMP: str(NOON_MS),
        h.ERROR_ATTEMPTS: "1",
        h.ERROR_VERSION: "1.2.3",
    }
    assert failure.timestamp_ms is None


def test_a_record_that_fails_again_counts_on_and_keeps_its_first_time() -> None:
    first_at = "2026-05-01T12:00:00.000000Z"
    waited = {**RECEIPT, h.ERROR_ATTEMPTS: "2", h.ERROR_FIRST_AT: first_at}
    again = record(b"raise it", topic="midi.retry.echo.1m", headers=waited)
    told = only(FAILURES, Lane(echo).handle(again)).headers
    assert (told[h.ERROR_ATTEMPTS], told[h.ERROR_FIRST_AT]) == ("3", first_at)
    assert told[h.ERROR_LAST_AT] > first_at
    assert told[h.ERROR_TOPIC] == "midi.retry.echo.1m"


def test_a_failure_of_a_foreign_record_has_the_headers_of_every_record() -> None:
    told = only(FAILURES, Lane(echo).handle(record(b"raise it", offset=17, headers={}))).headers
    assert told[h.CE_ID] == "midi.callbacks/3/17"
    assert told[h.CE_TYPE] == "midi.callback"
    assert {h.CE_TIME, h.CE_SOURCE, h.CE_SPECVERSION, h.DIALECT, h.ORIGIN} <= told.keys()


def test_a_rejection_shows_what_it_came_from_and_no_stack_of_its_own() -> None:
    @worker("wrapping", reads=Callback)
    def wrapping(callback: Callback) -> None:
        try:
            int(callback.body)
        except ValueError as error:
            raise Reject("no-number", "Expected a number.") from error

    told = only(FAILURES, Lane(wrapping).handle(record(b"x"))).headers
    assert "ValueError: invalid literal" in told[h.ERROR_EXCEPTION]
    assert h.ERROR_EXCEPTION not in only(FAILURES, Lane(echo).handle(record(b"reject r"))).headers


@pytest.mark.parametrize(
    ("after", "told"),
    [("5s", "5"), ("2h", "7200"), (timedelta(seconds=0.2), "1"), (timedelta(0), "0"), (None, None)],
)
def test_another_try_may_be_asked_for_at_a_delay(after: timedelta | str | None, told: str | None) -> None:
    @worker("patient", reads=Callback)
    def patient(_callback: Callback) -> None:
        raise Retry("Too many requests.", after=after) from KeyError("limit")

    batch = Lane(patient).handle(record(b"x"))
    headers = only(FAILURES, batch).headers
    assert batch.failed == {"retry-requested": 1}
    assert batch.error is None
    assert headers[h.ERROR_MESSAGE] == "Too many requests."
    assert "KeyError: 'limit'" in headers[h.ERROR_EXCEPTION]
    assert headers.get(h.ERROR_RETRY_AFTER) == told


def test_a_worker_may_want_no_other_try_after_what_it_did_not_foresee() -> None:
    @worker("once", reads=Callback, on_error="reject")
    def once(callback: Callback) -> None:
        raise Retry("Later.") if callback.body == b"retry" else KeyError("it")

    batch = Lane(once).handle(record(b"x"), record(b"retry"))
    assert batch.failed == {"unretried-error": 1, "retry-requested": 1}
    assert isinstance(batch.error, KeyError)


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀", "\ud800"])
@pytest.mark.parametrize("error", [RuntimeError, lambda text: Reject(text, text)])
def test_error_headers_stay_under_64_kib(character: str, error: type[Exception]) -> None:
    @worker("verbose", reads=Callback)
    def verbose(_callback: Callback) -> None:
        raise error(character * 100_000) from RuntimeError(character * 100_000)

    told = only(FAILURES, Lane(verbose).handle(record(b"x"))).headers
    errors = {name: value for name, value in told.items() if name.startswith(h.ERROR)}
    assert sum(len(name) + len(value) for name, value in h.to_wire(errors)) < 64 * 1024


def test_a_key_that_is_not_utf8_is_the_records_own_failure() -> None:
    failure = only(FAILURES, Lane(echo).handle(record(b"x", key=b"\xff")))
    assert failure.key == b"\xff"
    assert failure.headers[h.ERROR_REASON] == "invalid-payload"


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b'{"task_id": 7}', b'{"task_id": "\xff"}', b'{"surprise": ' + b"[" * 100_000],
    ids=["empty", "cut", "array", "number", "no UTF-8", "deep"],
)
def test_a_value_that_is_not_what_its_topic_carries_is_rejected(value: bytes) -> None:
    @worker("reader", reads=Score)
    def reader(_score: Score) -> None:
        raise AssertionError("never called")

    told = only(FAILURES, Lane(reader).handle(record(value, topic="midi.scores"))).headers
    assert told[h.ERROR_REASON] == "invalid-payload"
    assert "midi.score" in told[h.ERROR_MESSAGE]


@pytest.mark.parametrize("spare", [0, 1])
def test_what_just_fits_a_record_is_written_and_one_byte_more_is_too_large(spare: int) -> None:
    @worker("files", reads=Callback, writes=MidiFile)
    def files(callback: Callback) -> MidiFile:
        return MidiFile(b"x" * int(callback.body))

    room = 1024 + 1024 * 1024 - 128 * 1024  # body limit and 1 MiB, less what headers may need
    lane = Lane(files, WorkerSettings(max_body_bytes=1024))
    batch = lane.handle(record(str(room + spare).encode()))
    assert [write.topic for write in batch.writes] == [FAILURES if spare else MidiFile.topic]
    if spare:
        told = only(FAILURES, batch).headers
        assert told[h.ERROR_REASON] == "too-large"
        assert f"{room + 1} bytes; at most {room}" in told[h.ERROR_MESSAGE]


def test_a_song_as_large_as_the_body_limit_still_fits_a_task() -> None:
    @worker("pass-on", reads=Callback, writes=Task)
    def pass_on(callback: Callback) -> Task:
        return Task(callback.body)

    settings = WorkerSettings(max_body_bytes=1024)
    assert only(Task, Lane(pass_on, settings).handle(record(b"x" * 1024))).value == b"x" * 1024


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 253_402_300_800_000, 2**63 - 1, -(2**63)])
def test_a_timestamp_that_no_calendar_has_is_the_records_own_affair(timestamp_ms: int) -> None:
    foreign = record(b"raise it", timestamp_ms=timestamp_ms, headers={})
    batch = Lane(echo).handle(foreign, record(b"after"))
    assert batch.handled == 2
    assert only(FAILURES, batch).headers[h.ERROR_TIMESTAMP] == str(timestamp_ms)
    assert only(Echo, batch).value == b'{"text":"after"}'


def test_what_fails_in_the_worker_that_reads_the_failures_is_a_dead_letter_at_once() -> None:
    @worker("reads-failures", reads=FAILURES, retries=False)
    def reads_failures(_failure: Raw, context: Context) -> None:
        raise KeyError(context.key)

    told = {h.ERROR_WORKER: "render", h.ERROR_REASON: "unexpected-error", h.ERROR_OFFSET: "7"}
    batch = Lane(reads_failures).handle(record(b"\xff", topic="midi.failures", headers=told))
    assert not to(FAILURES, batch.writes)
    letter = only(DEAD_LETTER, batch)
    assert (letter.key, letter.value) == (b"a1", b"\xff")
    assert letter.headers[h.ERROR_REASON] == "unroutable"
    assert (letter.headers[h.ERROR_WORKER], letter.headers[h.ERROR_OFFSET]) == ("render", "7")

"""The test harness that ships: a lane in memory that behaves as one in production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from midi_ingest import (
    Body,
    Context,
    Dropped,
    Failure,
    Keyed,
    Message,
    Outcome,
    Output,
    Raw,
    Reject,
    Retry,
    State,
    States,
    Topic,
    Unavailable,
    headers,
    worker,
)
from midi_ingest.testing import Harness


class Word(Body, topic="words"):
    """What the worker of these tests reads."""


class Counted(Message, topic="counted"):
    """What it writes."""

    word: str
    times: int


class Times(msgspec.Struct, frozen=True):
    """What it remembers of a key."""

    times: int
    at: int = 0


AWAY: list[bool] = []


@pytest.fixture(autouse=True)
def _nothing_is_away() -> None:
    AWAY.clear()


@worker("count", reads=(Word, Topic("plain")), writes=(Counted, Topic("copies")))
def count(word: Word | Raw, context: Context, state: State[Times]) -> list[Output]:
    """Count the words of each key, and do as some of them say."""
    if isinstance(word, Raw):
        return [word.to(Topic("copies"))]
    if AWAY:
        raise Unavailable("Away.")
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(Times(times, context.timestamp_ms))
    match word.body.split():
        case [b"reject"]:
            raise Reject("no-good", "No good.")
        case [b"retry", after]:
            raise Retry("Not yet.", after=after.decode())
        case [b"until", attempt] if context.attempt < int(attempt):
            raise KeyError("not yet")
        case [b"drop"]:
            return [Dropped("dull"), Failure("beside", "Beside the rest.")]
    return [Counted(word.body.decode(), times)]


@count.every("1m")
def forget(now: datetime, states: States[Times]) -> Iterator[Keyed | Raw]:
    """Say which keys were silent for 2 minutes, and begin to count them anew."""
    for key, state in states:
        known = state.get()
        if known and known.times and known.at <= (now - timedelta(minutes=2)).timestamp() * 1000:
            state.put(Times(0, known.at))
            yield Keyed("silent", Counted(key, known.times))


@pytest.fixture
def harness() -> Harness:
    return Harness(count)


def test_what_a_record_leads_to_is_returned_and_gathered(harness: Harness) -> None:
    assert harness.send(Word(b"one"), key="a") == [Counted("one", 1)]
    assert harness.send(Word(b"two"), key="a") == [Counted("two", 2)]
    assert [(w.key, w.message, w.topic) for w in harness.written] == [
        ("a", Counted("one", 1), Counted.topic),
        ("a", Counted("two", 2), Counted.topic),
    ]
    assert harness.written[0].headers[headers.CE_TYPE] == "counted"
    assert harness.state == {"a": Times(2, 1_777_636_800_000)}


def test_several_records_are_one_batch(harness: Harness) -> None:
    wrote = harness.send_all([("a", Word(b"1")), ("b", Word(b"2")), ("a", Word(b"3"))])
    assert wrote == [Counted("1", 1), Counted("2", 1), Counted("3", 2)]


def test_bytes_go_to_the_topic_given_or_to_the_first(harness: Harness) -> None:
    assert harness.send(b"one") == [Counted("one", 1)]
    (copy,) = harness.send(b"\xff", key="a", topic=Topic("plain"), headers={"x": "y"})
    assert isinstance(copy, Raw)
    assert (copy.topic, copy.key, copy.value, copy.headers["x"]) == (Topic("copies"), b"a", b"\xff", "y")


@pytest.mark.parametrize("value", [b"\xff", b"{}", b'{"word":1,"times":1}'])
def test_bytes_that_are_no_message_of_their_topic_are_shown_as_they_are(value: bytes) -> None:
    @worker("copy", reads=Word, writes=Counted)
    def copy(word: Word) -> Raw:
        return Raw(Counted.topic, b"\xff", word.body)

    (wrote,) = Harness(copy).send(Word(value))
    assert (wrote.topic, wrote.key, wrote.value) == (Counted.topic, b"\xff", value)


def test_a_message_of_the_wrong_type_fails_as_in_production() -> None:
    @worker("wrong", reads=Word, writes=Counted)
    def wrong(word: Word) -> Counted:
        return Counted("x", word.body.decode())  # type: ignore[arg-type]  # that is the point

    harness = Harness(wrong)
    assert harness.send(Word(b"x"), key="a") == []
    ((failed,), wrote) = harness.failed, harness.written
    assert (failed.reason, failed.retry_in, wrote) == ("unexpected-error", "5s", [])


def test_what_fails_for_good_is_a_dead_letter_and_changes_no_state(harness: Harness) -> None:
    assert harness.send(Word(b"reject")) == []
    (letter,) = harness.dead_letters
    assert (letter.reason, letter.message, letter.attempts) == ("no-good", "No good.", 1)
    assert (letter.key, letter.value, letter.exception) == ("task-1", b"reject", "")
    assert harness.state == {}


def test_what_is_dropped_or_returned_as_a_failure_is_gathered_too(harness: Harness) -> None:
    assert harness.send(Word(b"drop")) == []
    assert harness.dropped == {"dull": 1}
    assert [failed.reason for failed in harness.failed] == ["beside"]
    assert harness.state["task-1"].times == 1


def test_a_retry_comes_when_it_is_due_and_counts(harness: Harness) -> None:
    assert harness.send(Word(b"until 3")) == []
    assert [(failed.reason, failed.retry_in) for failed in harness.failed] == [("unexpected-error", "5s")]
    assert "KeyError: 'not yet'" in harness.failed[0].exception
    assert harness.advance(seconds=4) == []
    assert len(harness.failed) == 1
    assert harness.advance(seconds=1) == []
    assert [failed.retry_in for failed in harness.failed] == ["5s", "1m"]
    assert harness.advance(minutes=1) == [Counted("until 3", 1)]
    assert harness.dead_letters == []


def test_out_of_attempts_it_is_a_dead_letter() -> None:
    harness = Harness(count, retry_delays=("1s", "2s"))
    harness.send(Word(b"until 9"))
    harness.advance(seconds=10)
    assert [(failed.attempts, failed.retry_in) for failed in harness.failed] == [
        (1, "1s"),
        (2, "2s"),
        (3, None),
    ]


def test_a_worker_that_asks_for_a_delay_gets_it(harness: Harness) -> None:
    harness.send(Word(b"retry 30s"))
    assert [(failed.reason, failed.retry_in) for failed in harness.failed] == [("retry-requested", "1m")]


def test_what_is_away_holds_up_what_comes_until_time_passes(harness: Harness) -> None:
    AWAY.append(True)
    assert harness.send(Word(b"one")) == []
    assert harness.send(Word(b"two"), key="b") == []
    assert str(harness.blocked) == "Away."
    assert harness.failed == []
    AWAY.clear()
    assert harness.advance(seconds=1) == [Counted("one", 1), Counted("two", 1)]
    assert harness.blocked is None


def test_timers_are_called_at_each_full_period_with_what_is_remembered(harness: Harness) -> None:
    harness.send(Word(b"one"), key="a")
    harness.advance(seconds=30)
    harness.send(Word(b"one"), key="b")
    assert harness.advance(seconds=89) == []
    assert harness.advance(seconds=1) == [Counted("a", 1)]
    assert harness.written[-1].key == "silent"
    assert {key: state.times for key, state in harness.state.items()} == {"a": 0, "b": 1}
    assert harness.advance(hours=1) == [Counted("b", 1)]
    assert harness.now == datetime(2026, 5, 1, 13, 2, tzinfo=UTC)


def test_what_a_timer_writes_tells_where_it_comes_from(harness: Harness) -> None:
    harness.send(Word(b"one"))
    harness.advance(minutes=2)
    told = harness.written[-1].headers
    assert told[headers.CE_ID] == "count/0/forget/1777636920"
    assert told[headers.CE_TIME] == "2026-05-01T12:02:00.000000Z"
    assert (told[headers.ORIGIN], told[headers.CE_TYPE]) == ("timer", "counted")


def test_a_worker_that_starts_anew_remembers_what_its_changelog_has(harness: Harness) -> None:
    harness.send(Word(b"one"), key="a")
    harness.send(Word(b"one"), key="b")
    harness.advance(minutes=3)
    before = harness.state
    harness.restart()
    assert harness.state == before
    assert harness.send(Word(b"two"), key="a") == [Counted("two", 1)]


def test_what_is_remembered_expires_with_the_window() -> None:
    harness = Harness(count, dedup_window_days=1)
    harness.send(Word(b"one"))
    harness.advance(minutes=2)  # the timer puts a value then
    harness.advance(days=1)
    assert harness.state
    harness.advance(seconds=1)
    assert not harness.state


@pytest.mark.parametrize("returned", [Outcome(task_id="a", status="complete", message=""), Dropped("x"), 7])
def test_a_timer_that_returns_what_needs_a_record_is_wrong_and_shown(returned: object) -> None:
    @worker("timed", reads=Word, writes=Outcome)
    def timed(_word: Word) -> None: ...

    @timed.every("1m")
    def tick(_now: datetime) -> Keyed:
        return returned  # type: ignore[return-value]  # that is the point

    with pytest.raises(TypeError, match=r"the timer tick returned an? .*return Keyed"):
        Harness(timed).advance(minutes=1)


def test_an_error_of_a_timer_is_the_tests_and_changes_nothing() -> None:
    @worker("timed", reads=Word)
    def timed(_word: Word, state: State[Times]) -> None:
        state.put(Times(1))

    @timed.every("1m")
    def tick(_now: datetime, states: States[Times]) -> None:
        for _, state in states:
            state.put(Times(2))
            assert state.get() == Times(2)
        raise ZeroDivisionError

    harness = Harness(timed)
    harness.send(Word(b"x"))
    with pytest.raises(ZeroDivisionError):
        harness.advance(minutes=1)
    assert harness.state == {"task-1": Times(1)}


def test_a_function_without_its_decorator_is_refused() -> None:
    with pytest.raises(
        TypeError, match="Harness takes a worker, and forget is none: a function under @worker"
    ):
        Harness(forget)  # type: ignore[arg-type]  # that is the point


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"^stoer is not a setting of a worker\. Did you mean store\?$"):
        Harness(count, stoer="x")
    with pytest.raises(TypeError, match=r"^x is not a setting of a worker\. See workers/settings\.py"):
        Harness(count, x="x")


@pytest.mark.parametrize(
    ("message", "topic", "instead"),
    [
        (Outcome(task_id="a", status="complete", message=""), None, ", not Outcome"),
        (Word(b"x"), Topic("other"), ", not the topic other"),
        (b"x", Topic("other"), ", not the topic other"),
        ("text", None, ": give it that, or bytes, not str"),
        ({"word": "x"}, None, ": give it that, or bytes, not dict"),
        (Word, None, ": give it that, or bytes, not _Kind"),
    ],
)
def test_what_the_worker_does_not_read_is_refused(
    harness: Harness, message: Message | bytes, topic: Topic | None, instead: str
) -> None:
    with pytest.raises(TypeError, match=f"^count reads Word or the topic plain as bytes{instead}$"):
        harness.send(message, topic=topic)


def test_a_message_that_its_class_cannot_read_is_refused(harness: Harness) -> None:
    with pytest.raises(TypeError, match="an unreadable Word: Expected `bytes`, got `str`"):
        harness.send(Word("text"))  # type: ignore[arg-type]  # that is the point


def test_the_stack_of_an_unforeseen_error_is_printed(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.send(Word(b"until 3"))
    told = "Failed(reason='unexpected-error', message=\"KeyError: 'not yet'\", key='task-1', attempts=1, retry_in='5s')"
    assert repr(harness.failed) == f"[{told}]"
    printed = capsys.readouterr().err
    assert printed.startswith(f"count failed on {told}:\nTraceback (most recent call last):\n")
    assert 'raise KeyError("not yet")' in printed
    harness.advance(seconds=5)
    assert "attempts=2, retry_in='1m'" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [b"reject", b"retry 5s", b"drop"])
def test_what_the_worker_decided_is_not_printed(
    harness: Harness, asked: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    harness.send(Word(asked))
    assert harness.failed
    assert capsys.readouterr().err == ""


def test_a_second_message_without_a_key_is_refused_where_keys_are_remembered(harness: Harness) -> None:
    harness.send(Word(b"one"))
    with pytest.raises(
        TypeError, match=r"count remembers something of each key.*say send\(…, key='task-1'\)"
    ):
        harness.send(Word(b"two"))
    assert harness.send(Word(b"two"), key="task-1") == [Counted("two", 2)]
    assert harness.send(Word(b"two"), key="b") == [Counted("two", 1)]


def test_a_worker_without_state_needs_no_keys() -> None:
    @worker("plain", reads=Word, writes=Counted)
    def plain(word: Word, context: Context) -> Counted:
        return Counted(f"{context.key} {word.body.decode()}", 1)

    harness = Harness(plain)
    assert harness.send(Word(b"one")) == [Counted("task-1 one", 1)]
    assert harness.send(Word(b"two")) == [Counted("task-1 two", 1)]


def test_a_message_that_names_its_task_is_of_that_key() -> None:
    @worker("tasks", reads=Outcome, writes=Counted)
    def tasks(outcome: Outcome, state: State[Times]) -> Counted:
        times = before.times + 1 if (before := state.get()) else 1
        state.put(Times(times))
        return Counted(outcome.task_id, times)

    harness = Harness(tasks)
    outcomes = [Outcome(task_id=task_id, status="complete", message="") for task_id in ("a", "b", "a")]
    wrote = [harness.send(outcome) for outcome in outcomes]
    assert wrote == [[Counted("a", 1)], [Counted("b", 1)], [Counted("a", 2)]]
    assert harness.send(outcomes[0], key="c") == [Counted("a", 1)]
    assert harness.state == {"a": Times(2), "b": Times(1), "c": Times(1)}

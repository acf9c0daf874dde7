"""What a callback is to its task, by what it says and by what came before it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import headers as h
from schemas import topics
from schemas.callback import Task
from schemas.dead_letter import DeadLetterStatus, letter_key
from schemas.outcome import Outcome
from tests.unit.schemas.dialects import senders
from tests.unit.workers.records import DAY_MS, NOON_MS, RECEIPT, Lane, only, record, to
from workers.deduplicate import TaskState, deduplicate
from workers.runtime.handle import Batch
from workers.runtime.record import Record
from workers.settings import WorkerSettings

CHANGELOG = topics.changelog("deduplicate", timedelta(days=30))
NOW_TOPIC = "midi.retry.deduplicate.now"


def song(title: str, task_id: str = "a1") -> bytes:
    """A success whose data, and so its digest, is its own."""
    data = {"state": "complete", "instruments": [{"name": title, "notes": []}]}
    return json.dumps({"task_id": task_id, "code": 200, "msg": "success", "data": data}).encode()


SUCCESS = record(song("first"))
OTHER_SONG = record(song("second"))
FAILURE = record(b'{"task_id": "a1", "code": 500, "msg": "MIDI generation failed", "data": null}')
PENDING = record(b'{"task_id": "a1", "state": "running"}')
INVALID = record(b'{"task_id": "a1", "code": 200, "data": null}')


def from_kie(callback: Record) -> Record:
    return replace(callback, headers={**RECEIPT, h.DIALECT: "kie.ai"})


def polled(callback: Record) -> Record:
    return replace(callback, headers={**RECEIPT, h.ORIGIN: "poll"})


def redriven(callback: Record) -> Record:
    return replace(callback, topic=NOW_TOPIC)


def waited(callback: Record) -> Record:
    return replace(callback, topic="midi.retry.deduplicate.5s", headers={**RECEIPT, h.ERROR_ATTEMPTS: "1"})


def what_became_of(batch: Batch) -> list[str]:
    """The records of a batch in words, but for the state; then what was dropped."""
    words = []
    for write in batch.writes:
        match write.topic:
            case Task.topic:
                words.append("task")
            case topics.FAILURES:
                words.append(f"failure {write.headers[h.ERROR_REASON]}")
            case Outcome.topic:
                words.append(f"outcome {Outcome.decode(write.value or b'').status}")
            case DeadLetterStatus.topic:
                words.append(f"letter {DeadLetterStatus.decode(write.value or b'').status}")
    return [*words, *(f"dropped {why}" for why in batch.dropped.elements())]


def status(lane: Lane) -> str:
    """What the lane remembers of task a1, in a word."""
    state = lane.state.get("a1", NOON_MS) if lane.state else None
    return state.status if isinstance(state, TaskState) else "nothing"


BEFORE = {"nothing": [], "failed": [FAILURE], "complete": [SUCCESS], "late": [FAILURE, SUCCESS]}
TABLE = [
    ("nothing", SUCCESS, ["task"], "complete"),
    ("nothing", FAILURE, ["failure provider-failed", "outcome failed"], "failed"),
    ("nothing", PENDING, ["dropped pending"], "nothing"),
    ("nothing", INVALID, ["failure invalid-payload"], "nothing"),
    ("nothing", redriven(SUCCESS), ["task"], "complete"),
    ("nothing", waited(SUCCESS), ["task"], "complete"),
    ("nothing", waited(FAILURE), ["failure provider-failed", "outcome failed"], "failed"),
    ("failed", SUCCESS, ["task", "letter resolved"], "complete"),
    ("failed", from_kie(SUCCESS), ["task", "letter resolved"], "complete"),
    ("failed", redriven(SUCCESS), ["task", "letter resolved"], "complete"),
    ("failed", FAILURE, ["dropped repeat"], "failed"),
    ("failed", from_kie(FAILURE), ["dropped repeat"], "failed"),
    ("failed", redriven(FAILURE), ["dropped repeat"], "failed"),
    ("failed", PENDING, ["dropped pending"], "failed"),
    ("failed", INVALID, ["failure invalid-payload"], "failed"),
    ("complete", SUCCESS, ["dropped repeat"], "complete"),
    ("complete", waited(SUCCESS), ["dropped repeat"], "complete"),
    ("complete", from_kie(SUCCESS), ["dropped repeat"], "complete"),
    ("complete", OTHER_SONG, ["failure conflicting-duplicate"], "complete"),
    ("complete", waited(OTHER_SONG), ["failure conflicting-duplicate"], "complete"),
    ("complete", from_kie(OTHER_SONG), ["dropped repeat"], "complete"),
    ("complete", polled(OTHER_SONG), ["dropped repeat"], "complete"),
    ("complete", redriven(OTHER_SONG), ["task"], "complete"),
    ("complete", redriven(SUCCESS), ["task"], "complete"),
    ("complete", FAILURE, ["dropped repeat"], "complete"),
    ("complete", redriven(FAILURE), ["dropped repeat"], "complete"),
    ("complete", PENDING, ["dropped pending"], "complete"),
    ("complete", INVALID, ["dropped repeat"], "complete"),
    ("complete", redriven(INVALID), ["dropped repeat"], "complete"),
    ("late", SUCCESS, ["dropped repeat"], "complete"),
    ("late", OTHER_SONG, ["failure conflicting-duplicate"], "complete"),
    ("late", FAILURE, ["dropped repeat"], "complete"),
    ("late", redriven(OTHER_SONG), ["task"], "complete"),
]


@pytest.mark.parametrize(("before", "callback", "expected", "after"), TABLE)
def test_a_callback_becomes_what_the_table_says(
    before: str, callback: Record, expected: list[str], after: str
) -> None:
    lane = Lane(deduplicate)
    lane.handle(*BEFORE[before])
    batch = lane.handle(callback)
    assert what_became_of(batch) == expected
    assert status(lane) == after
    changes = [(change.key, change.timestamp_ms) for change in to(CHANGELOG, batch.writes)]
    decisive = "task" in expected or "outcome failed" in expected
    assert changes == [(b"a1", NOON_MS)] * decisive


@pytest.mark.parametrize(("before", "callback", "expected", "after"), TABLE)
def test_the_table_holds_within_one_batch_too(
    before: str, callback: Record, expected: list[str], after: str
) -> None:
    apart, together = Lane(deduplicate), Lane(deduplicate)
    first = what_became_of(apart.handle(*BEFORE[before]))
    batch = together.handle(*BEFORE[before], callback)
    assert sorted(what_became_of(batch)) == sorted(first + expected)
    assert status(together) == after


def test_a_task_is_the_body_byte_for_byte_under_its_id_with_the_receipts_headers() -> None:
    body = b' {"task_id":"a1" , "code":200,"data":{"instruments":[ ]}}\r\n'
    headers = {**RECEIPT, "midi-correlation-user": "7", h.TRACEPARENT: "00-1-2-01"}
    task = only(Task, Lane(deduplicate).handle(record(body, headers=headers)))
    assert (task.key, task.value) == (b"a1", body)
    assert task.headers == {**headers, h.CE_TYPE: "midi.task"}


def test_a_failed_task_has_one_letter_and_one_outcome_with_the_senders_message() -> None:
    callback = replace(FAILURE, headers={**RECEIPT, "midi-correlation-user": "7"})
    batch = Lane(deduplicate).handle(callback)
    letter, outcome = only(topics.FAILURES, batch), only(Outcome, batch)
    assert (letter.key, letter.value) == (callback.key, callback.value)
    assert letter.headers[h.ERROR_MESSAGE] == "MIDI generation failed"
    assert outcome.key == b"a1"
    assert Outcome.decode(outcome.value or b"") == Outcome(
        task_id="a1",
        status="failed",
        message="MIDI generation failed",
        reason="provider-failed",
        correlation={"user": "7"},
    )


@pytest.mark.parametrize("failure", [replace(FAILURE, offset=41), replace(waited(FAILURE), offset=5)])
def test_a_late_success_resolves_exactly_the_letter_that_was_written(failure: Record) -> None:
    lane = Lane(deduplicate)
    letter = only(topics.FAILURES, lane.handle(failure)).headers
    resolved = only(DeadLetterStatus, lane.handle(SUCCESS))
    names = (h.ERROR_WORKER, h.ERROR_TOPIC, h.ERROR_PARTITION, h.ERROR_OFFSET)
    worker, topic, partition, offset = (letter[name] for name in names)
    assert (resolved.key or b"").decode() == letter_key(worker, topic, int(partition), int(offset))
    fate = DeadLetterStatus.decode(resolved.value or b"")
    assert (fate.status, fate.by) == ("resolved", "deduplicate")
    assert fate.at == RECEIPT[h.CE_TIME]


def test_a_letter_is_resolved_once() -> None:
    lane = Lane(deduplicate)
    lane.handle(FAILURE, SUCCESS)
    assert not to(DeadLetterStatus, lane.handle(redriven(OTHER_SONG)).writes)


def test_what_an_operator_sent_again_is_what_repeats_are_measured_by() -> None:
    lane = Lane(deduplicate)
    lane.handle(SUCCESS, redriven(OTHER_SONG))
    assert what_became_of(lane.handle(OTHER_SONG)) == ["dropped repeat"]
    assert what_became_of(lane.handle(SUCCESS)) == ["failure conflicting-duplicate"]


def test_a_conflict_is_measured_by_the_dialect_and_origin_that_completed_the_task() -> None:
    lane = Lane(deduplicate)
    lane.handle(polled(SUCCESS))
    assert what_became_of(lane.handle(OTHER_SONG)) == ["dropped repeat"]
    assert what_became_of(lane.handle(polled(OTHER_SONG))) == ["failure conflicting-duplicate"]


def test_only_the_data_is_compared() -> None:
    lane = Lane(deduplicate)
    lane.handle(record(b'{"task_id": "a1", "code": 200, "data": {"instruments": []}}'))
    same = b'{"msg":"again","data" : {"instruments": []},"code":200,"taskId":"a1"}'
    assert what_became_of(lane.handle(record(same))) == ["dropped repeat"]
    spaced = b'{"task_id": "a1", "code": 200, "data": {"instruments": [ ]}}'
    assert what_became_of(lane.handle(record(spaced))) == ["failure conflicting-duplicate"]


@pytest.mark.parametrize("headers", [{}, {h.DIALECT: "auto"}, {h.DIALECT: "unheard-of"}])
def test_the_shape_tells_the_dialect_of_a_record_whose_header_does_not(headers: dict[str, str]) -> None:
    lane = Lane(deduplicate)
    lane.handle(replace(SUCCESS, headers=headers))
    assert what_became_of(lane.handle(OTHER_SONG)) == ["failure conflicting-duplicate"]
    from_acedata = record(senders.success(senders.ACEDATA), headers={})
    assert what_became_of(lane.handle(from_acedata)) == ["dropped repeat"]


@pytest.mark.parametrize("named", ["auto", "its own"])
@pytest.mark.parametrize("sender", senders.SENDERS)
def test_each_senders_callbacks_are_known(sender: str, named: str) -> None:
    headers = {**RECEIPT, h.DIALECT: sender if named == "its own" else named}
    success, failure = (
        record(body, headers=headers) for body in (senders.success(sender), senders.failure(sender))
    )
    lane = Lane(deduplicate)
    assert what_became_of(lane.handle(failure)) == ["failure provider-failed", "outcome failed"]
    assert what_became_of(lane.handle(success)) == ["task", "letter resolved"]
    assert what_became_of(lane.handle(success)) == ["dropped repeat"]
    other_song = record(senders.success(sender, []), headers=headers)
    assert what_became_of(lane.handle(other_song)) == ["failure conflicting-duplicate"]


def test_a_body_is_read_in_the_dialect_that_its_header_names() -> None:
    callback = record(senders.success(senders.ACEDATA), headers={**RECEIPT, h.DIALECT: senders.SUNOAPI})
    assert what_became_of(Lane(deduplicate).handle(callback)) == ["failure invalid-payload"]


@pytest.mark.parametrize("key", [None, b"", b"A1", b"a1 ", b"other", b"\xff"])
@pytest.mark.parametrize("before", BEFORE)
def test_a_key_that_is_not_the_bodys_task_id_is_rejected_before_state(before: str, key: bytes | None) -> None:
    lane = Lane(deduplicate)
    lane.handle(*BEFORE[before])
    known = status(lane)
    for callback in (SUCCESS, FAILURE, PENDING, INVALID, redriven(SUCCESS)):
        batch = lane.handle(replace(callback, key=key))
        is_text = key not in {None, b"", b"\xff"}
        assert what_became_of(batch) == [f"failure {'key-mismatch' if is_text else 'invalid-payload'}"]
        assert "key" in only(topics.FAILURES, batch).headers[h.ERROR_MESSAGE]
        assert not to(CHANGELOG, batch.writes)
    assert status(lane) == known


@pytest.mark.parametrize("before", BEFORE)
def test_a_body_that_is_no_callback_is_invalid_unless_its_task_is_complete(before: str) -> None:
    lane = Lane(deduplicate)
    lane.handle(*BEFORE[before])
    for body in (
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"code": 200}',
        b'{"task_id": 7}',
        b'{"task_id": "a1", "code": "200"}',
    ):
        batch = lane.handle(record(body))
        complete = before in {"complete", "late"}
        assert what_became_of(batch) == ["dropped repeat" if complete else "failure invalid-payload"]
        assert not to(CHANGELOG, batch.writes)


@pytest.mark.parametrize(("age_ms", "expected"), [(30 * DAY_MS, "dropped repeat"), (30 * DAY_MS + 1, "task")])
def test_a_task_is_remembered_for_the_window_by_event_time(age_ms: int, expected: str) -> None:
    lane = Lane(deduplicate)
    lane.handle(SUCCESS)
    assert what_became_of(lane.handle(replace(SUCCESS, timestamp_ms=NOON_MS + age_ms))) == [expected]


def test_the_window_is_a_setting() -> None:
    lane = Lane(deduplicate, WorkerSettings(dedup_window_days=1))
    lane.handle(SUCCESS)
    assert what_became_of(lane.handle(replace(SUCCESS, timestamp_ms=NOON_MS + 2 * DAY_MS))) == ["task"]


def test_tasks_know_nothing_of_each_other() -> None:
    lane = Lane(deduplicate)
    batch = lane.handle(record(song("x", "a1"), key="a1"), record(song("x", "b2"), key="b2"))
    assert [task.key for task in to(Task, batch.writes)] == [b"a1", b"b2"]


CALLBACKS = st.lists(st.sampled_from([SUCCESS, OTHER_SONG, FAILURE, PENDING, INVALID, from_kie(OTHER_SONG)]))


@settings(max_examples=50)
@given(CALLBACKS, st.integers(1, 5))
def test_whatever_comes_however_often_a_task_has_one_song_and_at_most_one_failure(
    callbacks: list[Record], batch_size: int
) -> None:
    lane = Lane(deduplicate)
    became: list[str] = []
    for start in range(0, len(callbacks), batch_size):
        became += what_became_of(lane.handle(*callbacks[start : start + batch_size]))
    successes = [c for c in callbacks if c in (SUCCESS, OTHER_SONG, from_kie(OTHER_SONG))]
    failed_first = FAILURE in callbacks[: callbacks.index(successes[0]) if successes else None]
    assert became.count("task") == bool(successes)
    assert became.count("outcome failed") == became.count("failure provider-failed") == failed_first
    assert became.count("letter resolved") == (failed_first and bool(successes))

"""What every worker promises, whatever it does. Each promise takes a way to make a harness, and a message to send.

    @pytest.mark.parametrize("promise", contract.PROMISES)
    def test_the_contract_is_kept(promise: contract.Promise) -> None:
        promise(lambda: Harness(loudest), score)

A promise that is broken raises an `AssertionError` that says how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from midi_ingest.testing.arguments import KEY, task_id_of
from midi_ingest.testing.harness import Harness
from schemas import headers as h
from schemas import reasons
from schemas.message import Body, Message, Topic
from workers.runtime.api import all_delays
from workers.runtime.record import Record
from workers.settings import WorkerSettings

Make = Callable[[], Harness]
Promise = Callable[[Make, Message | bytes], None]

_NO_VALUES: Final = (b"", b"{", b"[]", b"\xff\x00", b"null", b'{"task_id": 7}', b"[" * 10_000)


def the_same_record_gives_the_same_results(make: Make, message: Message | bytes) -> None:
    """A batch that was not committed is handled again: what is written then must be the same."""
    one, other = make(), make()
    one.send(message)
    other.send(message)
    _expect(one.written == other.written, f"{one.written} the first time, {other.written} the second")
    _expect(one.state == other.state, f"remembers {one.state} the first time, {other.state} the second")


def a_good_record_does_not_fail(make: Make, message: Message | bytes) -> None:
    """The message is one of the worker's daily work, also when it comes a second time."""
    harness = make()
    for time in ("first", "second"):
        harness.send(message, key=_key_of(message))
        _expect(harness.blocked is None, f"waits the {time} time: {harness.blocked}")
        _expect(not harness.failed, f"fails the {time} time: {harness.failed}")


def what_cannot_be_read_costs_only_itself(make: Make, message: Message | bytes) -> None:
    """Poison is one failure or less, changes nothing, and its siblings are handled."""
    expected = make()
    expected.send(message)
    for value in _NO_VALUES:
        harness = make()
        good = harness.record(message)
        poison = replace(good, offset=good.offset + 1, key=b"poison", value=value)
        harness.deliver(good, poison)
        _expect(harness.blocked is None, f"waits for ever on {value[:20]!r}: {harness.blocked}")
        failed = [failed for failed in harness.failed if failed.key == "poison"]
        _expect(len(failed) <= 1, f"{value[:20]!r} fails {len(failed)} times")
        if failed:
            _expect("poison" not in harness.state, f"{value[:20]!r} fails and is remembered")
            mine = [written for written in harness.written if written.key != "poison"]
            _expect(mine == expected.written, f"{value[:20]!r} changes what its sibling leads to")


def a_tombstone_is_dropped(make: Make, message: Message | bytes) -> None:
    """A record without a value deletes its key from a compacted topic; it is no message."""
    harness = make()
    harness.deliver(replace(harness.record(message), value=None))
    _expect(harness.dropped == {"tombstone": 1}, f"is not dropped: {harness.dropped}")
    _expect(not harness.written and not harness.failed, f"leads to {harness.written} {harness.failed}")


def headers_are_passed_on(make: Make, message: Message | bytes) -> None:
    """What is written under the record's key carries its headers, those that nobody knows too."""
    harness = make()
    told = {"x-unknown": "ü", h.CORRELATION + "user": "7", h.TRACEPARENT: "00-a-b-01"}
    harness.send(message, headers=told)
    for written in harness.written:
        if written.headers.get(h.CE_TYPE):
            missing = told.items() - written.headers.items()
            _expect(not missing, f"{written.topic.name} lacks the headers {missing}")


def no_headers_are_needed(make: Make, message: Message | bytes) -> None:
    """A foreign producer may leave out all headers."""
    harness = make()
    harness.deliver(replace(harness.record(message), headers={}))
    _expect(harness.blocked is None, f"waits: {harness.blocked}")
    unforeseen = [failed for failed in harness.failed if failed.reason == reasons.UNEXPECTED_ERROR]
    _expect(not unforeseen, f"fails: {unforeseen}")


def a_retry_is_handled_like_the_first_try(make: Make, message: Message | bytes) -> None:
    """A record that comes by a retry topic leads to what it would have led to at first."""
    first, again = make(), make()
    first.send(message)
    waited = {h.ERROR_ATTEMPTS: "1", h.ERROR_FIRST_AT: "2026-05-01T12:00:00.000000Z"}
    for record in _as_retries(again, again.record(message, headers=waited)):
        again.deliver(record)
        _expect(again.written == first.written, f"{again.written} by {record.topic}, not {first.written}")
        again = make()


def the_version_before_is_read_and_a_newer_one_is_not(make: Make, message: Message | bytes) -> None:
    """Schemas only grow; what comes from the future is a dead letter that says so."""
    if not isinstance(message, Message):
        return
    before, newer = make(), make()
    before.send(message, headers={h.SCHEMA: str(message.version - 1)})
    _expect(not before.failed, f"the version before fails: {before.failed}")
    newer.send(message, headers={h.SCHEMA: str(message.version + 1)})
    why = [letter.reason for letter in newer.dead_letters]
    _expect(why == [reasons.UNSUPPORTED_VERSION], f"a newer version fails with {why}")


def a_message_is_written_as_it_is_read(make: Make, message: Message | bytes) -> None:
    """What is written can be read again, and comes to the same bytes."""
    harness = make()
    harness.send(message)
    for written in harness.written:
        if isinstance(written.message, Message) and not isinstance(written.message, Body):
            value = written.message.encode()
            _expect(type(written.message).decode(value).encode() == value, f"{written.message} changes")


def what_is_written_can_be_read(make: Make, message: Message | bytes) -> None:
    """A topic holds what its message can read, also where the worker writes it as `Raw`, which nothing else checks."""
    harness = make()
    harness.send(message)
    kinds = {kind.topic: kind for kind in harness.worker.writes if not isinstance(kind, Topic)}
    for written in harness.written:
        if kind := kinds.get(written.topic):
            _expect(isinstance(written.message, kind), f"{written.message} is no {kind.__name__}")


def what_is_remembered_outlives_the_process(make: Make, message: Message | bytes) -> None:
    """A lane that starts anew goes on as if it had not."""
    stayed, restarted = make(), make()
    key = _key_of(message)
    stayed.send(message, key=key)
    restarted.send(message, key=key)
    restarted.restart()
    _expect(stayed.state == restarted.state, f"remembers {restarted.state}, not {stayed.state}")
    _expect(
        stayed.send(message, key=key) == restarted.send(message, key=key), "goes on otherwise after a restart"
    )


PROMISES: Final[tuple[Promise, ...]] = (
    the_same_record_gives_the_same_results,
    a_good_record_does_not_fail,
    what_cannot_be_read_costs_only_itself,
    a_tombstone_is_dropped,
    headers_are_passed_on,
    no_headers_are_needed,
    a_retry_is_handled_like_the_first_try,
    the_version_before_is_read_and_a_newer_one_is_not,
    a_message_is_written_as_it_is_read,
    what_is_written_can_be_read,
    what_is_remembered_outlives_the_process,
)


def _as_retries(harness: Harness, record: Record) -> list[Record]:
    """The record as it comes by each of the worker's retry topics but the one for redrives."""
    settings = WorkerSettings()
    topics = harness.worker.retry_topics(all_delays(settings)[1:]).values()
    return [replace(record, topic=settings.layout.name(topic)) for topic in topics]


def _key_of(message: Message | bytes) -> str:
    """The key under which a message comes again and again."""
    return task_id_of(message) or KEY


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)

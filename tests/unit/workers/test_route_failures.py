"""Where a failed record goes: back to its worker after a delay, or to the dead-letter topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from midi_ingest.testing import Harness
from schemas import headers as h
from schemas import reasons
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, FAILURES
from tests.unit.workers.records import RECEIPT, Lane, only, record, to
from workers.deduplicate import deduplicate
from workers.route_failures import route as route_raw
from workers.route_failures import route_failures
from workers.runtime.api import Output, Raw

DELAYS = ("5s", "1m", "10m")
FAILED = {
    **RECEIPT,
    "midi-correlation-user": "7",
    h.TRACEPARENT: "00-a-b-01",
    h.TRACESTATE: "rojo=1",
    h.ERROR_REASON: reasons.UNEXPECTED_ERROR,
    h.ERROR_MESSAGE: "KeyError: 'it'",
    h.ERROR_EXCEPTION: "Traceback …",
    h.ERROR_WORKER: "normalize",
    h.ERROR_TOPIC: "midi.tasks",
    h.ERROR_PARTITION: "3",
    h.ERROR_OFFSET: "17",
    h.ERROR_TIMESTAMP: "1777636800000",
    h.ERROR_ATTEMPTS: "1",
    h.ERROR_FIRST_AT: "2026-05-01T12:00:01.000000Z",
    h.ERROR_LAST_AT: "2026-05-01T12:00:01.000000Z",
    h.ERROR_VERSION: "1.2.3",
}
PERMANENT = [reasons.INVALID_PAYLOAD, reasons.TOO_LARGE, "a-reason-of-ones-own"]


def route(key: str, headers: Mapping[str, str], delays: Sequence[str]) -> list[Output]:
    """Where a failed record with these headers goes."""
    return route_raw(Raw(FAILURES, key.encode(), b"value", headers), key, delays)


def forward(outputs: list[Output]) -> Raw:
    """The one way that a record goes, byte for byte."""
    (found,) = [output for output in outputs if isinstance(output, Raw)]
    assert found.value == b"value"
    return found


def outcomes(outputs: list[Output]) -> list[Outcome]:
    return [output for output in outputs if isinstance(output, Outcome)]


@pytest.mark.parametrize(
    ("attempts", "delay"), [("0", "5s"), ("1", "5s"), ("2", "1m"), ("3", "10m"), ("03", "10m")]
)
def test_what_may_pass_another_time_waits_longer_after_each_attempt(attempts: str, delay: str) -> None:
    outputs = route("a1", {**FAILED, h.ERROR_ATTEMPTS: attempts}, DELAYS)
    assert forward(outputs).topic.name == f"retry.normalize.{delay}"
    assert not outcomes(outputs)


@pytest.mark.parametrize("attempts", ["4", "5", "999999"])
def test_out_of_attempts_it_is_a_dead_letter(attempts: str) -> None:
    outputs = route("a1", {**FAILED, h.ERROR_ATTEMPTS: attempts}, DELAYS)
    assert forward(outputs).topic == DEAD_LETTER
    assert outcomes(outputs)


@pytest.mark.parametrize(("delays", "attempts"), [((), "0"), ((), "1"), (("2h",), "2")])
def test_the_delays_are_a_setting(delays: tuple[str, ...], attempts: str) -> None:
    assert forward(route("a1", {**FAILED, h.ERROR_ATTEMPTS: attempts}, delays)).topic == DEAD_LETTER


@pytest.mark.parametrize(
    ("asked", "attempts", "delay"),
    [
        ("0", "1", "5s"),
        ("5", "3", "5s"),
        ("6", "1", "1m"),
        ("60", "2", "1m"),
        ("61", "1", "10m"),
        ("86400", "1", "10m"),
        ("", "2", "1m"),
        ("soon", "2", "1m"),
        ("-5", "2", "1m"),
        ("٣", "2", "1m"),
    ],
)
def test_a_worker_may_ask_for_a_delay_and_gets_the_nearest_not_below(
    asked: str, attempts: str, delay: str
) -> None:
    headers = {
        **FAILED,
        h.ERROR_REASON: reasons.RETRY_REQUESTED,
        h.ERROR_ATTEMPTS: attempts,
        h.ERROR_RETRY_AFTER: asked,
    }
    retry = forward(route("a1", headers, DELAYS))
    assert retry.topic.name == f"retry.normalize.{delay}"
    assert h.ERROR_RETRY_AFTER not in retry.headers


def test_asking_for_a_delay_gives_no_more_attempts() -> None:
    headers = {
        **FAILED,
        h.ERROR_REASON: reasons.RETRY_REQUESTED,
        h.ERROR_ATTEMPTS: "4",
        h.ERROR_RETRY_AFTER: "5",
    }
    assert forward(route("a1", headers, DELAYS)).topic == DEAD_LETTER


def test_a_retry_keeps_the_original_headers_the_attempts_and_the_first_time() -> None:
    retry = forward(route("a1", FAILED, DELAYS))
    kept = (h.ERROR_ATTEMPTS, h.ERROR_FIRST_AT)
    assert retry.headers == {**RECEIPT, "midi-correlation-user": "7", **{name: FAILED[name] for name in kept}}


def test_a_retry_whose_first_time_is_unknown_goes_without() -> None:
    headers = {name: value for name, value in FAILED.items() if name != h.ERROR_FIRST_AT}
    assert h.ERROR_FIRST_AT not in forward(route("a1", headers, DELAYS)).headers


def test_a_retry_whose_topic_is_gone_is_a_dead_letter_with_its_own_reason() -> None:
    otherwise = forward(route("a1", FAILED, DELAYS)).otherwise
    assert otherwise
    assert otherwise.topic == DEAD_LETTER
    assert otherwise.otherwise is None
    assert otherwise.headers == FAILED


@pytest.mark.parametrize("reason", [*PERMANENT, reasons.PROVIDER_FAILED, reasons.CONFLICTING_DUPLICATE])
@pytest.mark.parametrize("attempts", ["0", "1"])
def test_a_permanent_reason_is_a_dead_letter_at_once_with_all_its_headers(reason: str, attempts: str) -> None:
    headers = {**FAILED, h.ERROR_REASON: reason, h.ERROR_ATTEMPTS: attempts}
    letter = forward(route("a1", headers, DELAYS))
    assert (letter.topic, letter.headers, letter.otherwise) == (DEAD_LETTER, headers, None)


@pytest.mark.parametrize("worker", ["deduplicate", "normalize", "render", "store"])
@pytest.mark.parametrize("reason", PERMANENT)
def test_a_letter_that_ends_a_task_has_an_outcome(worker: str, reason: str) -> None:
    outputs = route("a1", {**FAILED, h.ERROR_WORKER: worker, h.ERROR_REASON: reason}, DELAYS)
    assert outcomes(outputs) == [
        Outcome(
            task_id="a1",
            status="failed",
            message="KeyError: 'it'",
            reason=reason,
            correlation={"user": "7"},
        )
    ]


@pytest.mark.parametrize(
    "reason", [reasons.PROVIDER_FAILED, reasons.CONFLICTING_DUPLICATE, reasons.UNROUTABLE]
)
def test_a_letter_that_ends_no_task_has_no_outcome(reason: str) -> None:
    assert not outcomes(route("a1", {**FAILED, h.ERROR_REASON: reason}, DELAYS))


def test_a_letter_without_a_key_has_no_outcome() -> None:
    assert not outcomes(route("", {**FAILED, h.ERROR_REASON: reasons.INVALID_PAYLOAD}, DELAYS))


@pytest.mark.parametrize("worker", ["loudest-note", "ingest", "route-failures"])
def test_what_fails_outside_the_pipeline_ends_no_task_but_is_routed_alike(worker: str) -> None:
    permanent = {**FAILED, h.ERROR_WORKER: worker, h.ERROR_REASON: reasons.INVALID_PAYLOAD}
    assert route("a1", permanent, DELAYS) == [Raw(DEAD_LETTER, b"a1", b"value", permanent)]
    retry = forward(route("a1", {**FAILED, h.ERROR_WORKER: worker}, DELAYS))
    assert retry.topic.name == f"retry.{worker}.5s"


@pytest.mark.parametrize(
    "broken",
    [
        {h.ERROR_WORKER: ""},
        {h.ERROR_WORKER: "Normalize"},
        {h.ERROR_WORKER: "normalize.now"},
        {h.ERROR_WORKER: "../tasks"},
        {h.ERROR_WORKER: "normalize\n"},
        {h.ERROR_WORKER: "straße"},
        {h.ERROR_REASON: ""},
        {h.ERROR_ATTEMPTS: ""},
        {h.ERROR_WORKER: "x" * 101},
        {h.ERROR_ATTEMPTS: "-1"},
        {h.ERROR_ATTEMPTS: "1.5"},
        {h.ERROR_ATTEMPTS: "two"},
        {h.ERROR_ATTEMPTS: "٣"},
        {h.ERROR_ATTEMPTS: "1\n"},
        {h.ERROR_ATTEMPTS: "1234567"},
    ],
)
def test_broken_headers_are_unroutable(broken: dict[str, str]) -> None:
    outputs = route("a1", {**FAILED, **broken}, DELAYS)
    assert [type(output) for output in outputs] == [Raw]
    letter = forward(outputs)
    assert letter.topic == DEAD_LETTER
    told = {h.ERROR_REASON: reasons.UNROUTABLE, h.ERROR_MESSAGE: letter.headers[h.ERROR_MESSAGE]}
    assert letter.headers == {**FAILED, **broken, **told}


@pytest.mark.parametrize("missing", [h.ERROR_WORKER, h.ERROR_REASON, h.ERROR_ATTEMPTS])
def test_missing_headers_are_unroutable(missing: str) -> None:
    headers = {name: value for name, value in FAILED.items() if name != missing}
    assert forward(route("a1", headers, DELAYS)).headers[h.ERROR_REASON] == reasons.UNROUTABLE


def test_a_foreign_record_without_any_headers_is_unroutable() -> None:
    letter = forward(route("", {}, DELAYS))
    assert letter.topic == DEAD_LETTER
    assert letter.headers[h.ERROR_REASON] == reasons.UNROUTABLE


@pytest.mark.parametrize("reason", [reasons.UNEXPECTED_ERROR, reasons.INVALID_PAYLOAD])
def test_key_and_value_go_byte_for_byte(reason: str) -> None:
    body = bytes(range(256))
    sent = Harness(route_failures).send(body, key="schlüssel", headers={**FAILED, h.ERROR_REASON: reason})
    (went,) = [output for output in sent if isinstance(output, Raw)]
    assert (went.key, went.value) == ("schlüssel".encode(), body)


def test_the_delays_are_those_of_the_process() -> None:
    (went,) = Harness(route_failures, retry_delays=("7s",)).send(b"x", headers=FAILED)
    assert went.topic.name == "retry.normalize.7s"


def test_the_outcome_stands_under_the_tasks_id_with_the_receipts_headers() -> None:
    harness = Harness(route_failures)
    harness.send(b"x", key="a1", headers={**FAILED, h.ERROR_REASON: reasons.TOO_LARGE})
    (outcome,) = [written for written in harness.written if written.topic == Outcome.topic]
    assert outcome.key == "a1"
    assert outcome.headers[h.CE_TYPE] == "midi.outcome"
    assert outcome.headers[h.CE_ID] == RECEIPT[h.CE_ID]
    assert not [name for name in outcome.headers if name.startswith(h.ERROR)]


def test_what_deduplicate_rejects_ends_as_a_letter_and_one_outcome() -> None:
    failure = only(FAILURES, Lane(deduplicate).handle(record(b'{"task_id": "a1", "code": 200}')))
    batch = Lane(route_failures).handle(record(failure.value, topic="midi.failures", headers=failure.headers))
    assert only(DEAD_LETTER, batch).headers == failure.headers
    assert Outcome.decode(only(Outcome, batch).value or b"").reason == reasons.INVALID_PAYLOAD


def test_what_deduplicate_says_of_a_failed_task_itself_is_not_said_twice() -> None:
    batch = Lane(deduplicate).handle(record(b'{"task_id": "a1", "code": 500}'))
    failure = only(FAILURES, batch)
    routed = Lane(route_failures).handle(
        record(failure.value, topic="midi.failures", headers=failure.headers)
    )
    assert len(to(Outcome, batch.writes)) == 1
    assert [write.topic for write in routed.writes] == [DEAD_LETTER]

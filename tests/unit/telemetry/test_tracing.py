"""When a process traces, and what a worker's spans tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from schemas import headers as h
from schemas.callback import Callback
from schemas.message import Message
from schemas.topics import FAILURES
from telemetry import tracing
from telemetry.spans import Spans
from tests.unit.workers.records import RECEIPT, Lane, only, record
from workers.runtime.api import Reject, worker

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Seen(Message, topic="seen", kind="test.seen"):
    """What the worker writes."""


@worker("look", reads=Callback, writes=Seen)
def look(callback: Callback) -> Seen:
    if callback.body == b"bad":
        raise Reject("poisonous", "secret words")
    return Seen()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What this process exports while it traces."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "current", Spans(provider))
    return exporter


def only_span(exported: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exported.get_finished_spans()
    return span


def traces(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> bool:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with tracing.tracing("render"):
        return tracing.current is not None


def test_a_process_traces_where_its_environment_names_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not traces(monkeypatch, {})
    assert traces(monkeypatch, ENDPOINT)
    assert tracing.current is None


@pytest.mark.parametrize("refusal", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_opentelemetrys_own_ways_to_refuse_are_heard(
    monkeypatch: pytest.MonkeyPatch, refusal: Mapping[str, str]
) -> None:
    assert not traces(monkeypatch, {**ENDPOINT, **refusal})


def test_a_process_that_does_not_trace_imports_nothing_of_it() -> None:
    program = "import sys, midi_ingest.commands.worker, ingest.server; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_extra_that_is_missing_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "telemetry.spans", None)
    assert not traces(monkeypatch, ENDPOINT)


def test_a_workers_span_follows_the_record_and_what_it_writes_follows_the_span(
    exported: InMemorySpanExporter,
) -> None:
    batch = Lane(look).handle(record(b"good", headers={**RECEIPT, h.TRACEPARENT: SAMPLED}, offset=7))
    span = only_span(exported)
    assert (span.name, span.kind) == ("process midi.callbacks", SpanKind.CONSUMER)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == SAMPLED.split("-")[2]
    assert only(Seen, batch).headers[h.TRACEPARENT] == f"{SAMPLED[:36]}{span.context.span_id:016x}-01"
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "midi.callbacks",
        "messaging.destination.partition.id": "3",
        "messaging.consumer.group.name": "midi.look",
        "messaging.kafka.offset": 7,
    }


def test_a_failure_ends_its_span_as_an_error_and_keeps_its_headers_as_they_came(
    exported: InMemorySpanExporter,
) -> None:
    batch = Lane(look).handle(record(b"bad", headers={**RECEIPT, h.TRACEPARENT: SAMPLED}))
    span = only_span(exported)
    assert only(FAILURES, batch).headers[h.TRACEPARENT] == SAMPLED
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "Reject")
    assert "secret words" not in span.to_json()


@pytest.mark.parametrize("traceparent", [SAMPLED[:-1] + "0", "", "nonsense"])
def test_nothing_is_spent_on_what_is_not_sampled(exported: InMemorySpanExporter, traceparent: str) -> None:
    batch = Lane(look).handle(record(b"good", headers={**RECEIPT, h.TRACEPARENT: traceparent}))
    assert exported.get_finished_spans() == ()
    assert only(Seen, batch).headers[h.TRACEPARENT] == traceparent

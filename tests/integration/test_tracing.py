"""One trace from a callback's POST to its outcome, through all workers and a real Kafka."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from importlib.resources import files

import aiohttp
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ingest.server import serve
from midi_ingest.settings import Settings, guard_of
from schemas import headers as h
from schemas.file import MidiFile
from schemas.outcome import Outcome
from telemetry import tracing
from telemetry.spans import Spans
from tests.lanes import running
from tests.topics import read_all, read_until
from workers.catalogue import BUILT_IN

TRACE, SENDERS = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{SENDERS}-01"
SAMPLE = files("midi_ingest.samples").joinpath("callback.json").read_bytes()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What this process exports while it traces."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "current", Spans(provider))
    return exporter


async def posted(settings: Settings, traceparent: str) -> tuple[str, str]:
    """Post the sample while the ingress and all workers run; the trace contexts of its file and its outcome."""
    stop, bound = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(serve(settings, guard_of(settings), stop, on_ready=bound.put_nowait))
    try:
        async with running(settings, *BUILT_IN.values()), aiohttp.ClientSession() as session:
            headers = {"Content-Type": "application/json", "traceparent": traceparent}
            url = f"http://127.0.0.1:{await bound.get()}{settings.path}"
            async with session.post(url, data=io.BytesIO(SAMPLE), headers=headers) as answer:
                assert answer.status == 200
            (outcome,) = await read_until(settings, Outcome.topic, bool)
            (file,) = await read_all(settings, MidiFile.topic)
    finally:
        stop.set()
        await serving
    return file.headers[h.TRACEPARENT], outcome.headers[h.TRACEPARENT]


def way_to(traceparent: str, spans: Sequence[ReadableSpan]) -> list[str]:
    """The spans that led to a record, from the last one back; then the id of the sender's own."""
    by_id = {f"{span.context.span_id:016x}": span for span in spans}
    way, at = [], traceparent.split("-")[2]
    while span := by_id.get(at):
        way.append(span.name)
        assert span.parent
        at = f"{span.parent.span_id:016x}"
    return [*way, at]


async def test_a_callback_is_one_trace_from_its_post_to_its_outcome(
    settings: Settings, exported: InMemorySpanExporter
) -> None:
    file, outcome = await posted(settings, SAMPLED)
    spans = exported.get_finished_spans()
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    topics = [f"process {settings.topic_prefix}{topic}" for topic in ("scores", "tasks", "callbacks")]
    assert way_to(file, spans) == [*topics, f"POST {settings.path}", SENDERS]
    assert way_to(outcome, spans)[-3:] == [topics[-1], f"POST {settings.path}", SENDERS]


async def test_a_trace_that_is_not_sampled_passes_through_and_costs_no_span(
    settings: Settings, exported: InMemorySpanExporter
) -> None:
    file, outcome = await posted(settings, f"00-{TRACE}-{SENDERS}-00")
    assert exported.get_finished_spans() == ()
    assert {traceparent[3:35] for traceparent in (file, outcome)} == {TRACE}
    assert {traceparent[-2:] for traceparent in (file, outcome)} == {"00"}

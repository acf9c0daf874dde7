"""One trace from a callback's POST to its outcome, through all workers and a real Kafka."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
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

TRACE, OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
SENDERS = "00f067aa0ba902b7"
SAMPLE = files("midi_ingest.samples").joinpath("callback.json").read_bytes()


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What this process exports while it traces."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "current", Spans(provider))
    return exporter


async def posted(settings: Settings, traceparents: Mapping[str, str]) -> dict[str, list[str]]:
    """Post callbacks (task id, trace context) while all runs; the contexts of each one's file and outcome."""
    stop, bound = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(serve(settings, guard_of(settings), stop, on_ready=bound.put_nowait))
    try:
        async with running(settings, *BUILT_IN.values()), aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{await bound.get()}{settings.path}"
            for task_id, traceparent in traceparents.items():
                body = io.BytesIO(SAMPLE.replace(b"5c79****be8e", task_id.encode()))
                headers = {"Content-Type": "application/json", "traceparent": traceparent}
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == 200
            outcomes = await read_until(settings, Outcome.topic, lambda seen: len(seen) == len(traceparents))
            seen = [*await read_all(settings, MidiFile.topic), *outcomes]
    finally:
        stop.set()
        await serving
    return {
        task: [record.headers[h.TRACEPARENT] for record in seen if record.key == task]
        for task in traceparents
    }


def way_to(traceparent: str, spans: Sequence[ReadableSpan]) -> list[str]:
    """The spans that led to a record, from the last one back; then the id of the sender's own."""
    by_id = {f"{span.context.span_id:016x}": span for span in spans}
    way, at = [], traceparent.split("-")[2]
    while span := by_id.get(at):
        way.append(span.name)
        assert span.parent
        at = f"{span.parent.span_id:016x}"
    return [*way, at]


async def test_a_callback_is_one_trace_from_its_post_to_its_outcome_if_it_is_sampled(
    settings: Settings, exported: InMemorySpanExporter
) -> None:
    sampled, other = f"00-{TRACE}-{SENDERS}-01", f"00-{OTHER_TRACE}-{SENDERS}-00"
    contexts = await posted(settings, {"sampled": sampled, "other": other})
    spans = exported.get_finished_spans()
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    file, outcome = contexts["sampled"]
    topics = [f"process {settings.topic_prefix}{topic}" for topic in ("scores", "tasks", "callbacks")]
    assert way_to(file, spans) == [*topics, f"POST {settings.path}", SENDERS]
    assert way_to(outcome, spans)[-3:] == [topics[-1], f"POST {settings.path}", SENDERS]
    assert {(context[3:35], context[-2:]) for context in contexts["other"]} == {(OTHER_TRACE, "00")}

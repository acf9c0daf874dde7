"""Spans by OpenTelemetry, named and described by its semantic conventions for HTTP and for messaging with Kafka.

No span has a body, a key, a header or the text of an error. Imported only by processes that trace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.tracer import Step, Tracer

_CONTEXT: Final = TraceContextTextMapPropagator()
_TRACEPARENT: Final = "traceparent"
_SERVER_ERROR: Final = 500


class _Step:
    """A span that was begun."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.headers: Mapping[str, str] = _carried(span)

    def end(self, *, error: str = "", status: int | None = None) -> None:
        if status is not None:
            self._span.set_attribute("http.response.status_code", int(status))
            error = error or (str(status) if status >= _SERVER_ERROR else "")
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Spans:
    """Makes spans of a provider's."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("midi-ingest")

    def receiving(self, method: str, route: str, headers: Mapping[str, str]) -> Step:
        """A span of a server, which continues the sender's trace if it has one."""
        described = {"http.request.method": method, "http.route": route}
        return _Step(self._begin(f"{method} {route}", SpanKind.SERVER, headers, described))

    def processing(
        self, group: str, topic: str, partition: int, offset: int, headers: Mapping[str, str]
    ) -> Step | None:
        """A span of a consumer; nothing is spent on a trace that is not sampled."""
        if not _sampled(headers.get(_TRACEPARENT, "")):
            return None
        described: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.consumer.group.name": group,
            "messaging.kafka.offset": offset,
        }
        return _Step(self._begin(f"process {topic}", SpanKind.CONSUMER, headers, described))

    def close(self) -> None:
        """Send what waits, in as long as OpenTelemetry gives it."""
        self._provider.shutdown()

    def _begin(
        self, name: str, kind: SpanKind, headers: Mapping[str, str], described: Mapping[str, str | int]
    ) -> Span:
        context = _CONTEXT.extract(headers, Context())
        return self._tracer.start_span(name, context, kind, described)


def exporting(component: str) -> Tracer:
    """A tracer that sends spans by OTLP over HTTP, as the environment says."""
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": component}
    provider = TracerProvider(resource=Resource.create({"service.namespace": "midi-ingest", **named}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Spans(provider)


def _carried(span: Span) -> dict[str, str]:
    headers: dict[str, str] = {}
    _CONTEXT.inject(headers, set_span_in_context(span, Context()))
    return headers


def _sampled(traceparent: str) -> bool:
    """Whether the last bit of its flags is set (W3C Trace Context, section 3.2.2.5.1)."""
    return traceparent[-1:] in {"1", "3", "5", "7", "9", "b", "d", "f"}

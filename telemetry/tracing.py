"""Traces: one from a callback's receipt to its outcome, by W3C trace context in the headers of requests and records.

Without OpenTelemetry, or without a word of it in the environment, `current` is None: nothing of it is imported, and a
`traceparent` that came with a callback passes through unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from telemetry.logs import logger
from telemetry.tracer import Tracer

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

current: Tracer | None = None
"""This process's, if it traces."""


@contextmanager
def tracing(component: str) -> Iterator[None]:
    """Trace while the block runs, if the environment asks for it; ``component`` is the service's name.

    ``OTEL_EXPORTER_OTLP_ENDPOINT``, or that of traces only, asks for it. OpenTelemetry reads all others itself.
    """
    global current  # noqa: PLW0603 - one a process, as is OpenTelemetry's own
    current = _wanted(component)
    try:
        yield
    finally:
        tracer, current = current, None
        if tracer is not None:
            tracer.close()


def _wanted(component: str) -> Tracer | None:
    asked = any(os.environ.get(name) for name in _ENDPOINTS)
    refused = (
        os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    )
    if not asked or refused:
        return None
    try:
        from telemetry.spans import exporting  # noqa: PLC0415 - OpenTelemetry is an extra
    except ImportError:
        logger().warning(
            "no traces: OpenTelemetry is not installed", install="pip install 'midi-ingest[tracing]'"
        )
        return None
    return exporting(component)

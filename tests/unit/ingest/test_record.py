"""The headers of a callback's record."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from ingest.record import receipt_headers
from schemas.headers import from_wire

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_callback_has_the_headers_that_the_design_names() -> None:
    before = datetime.now(UTC)
    headers = from_wire(receipt_headers("sunoapi.org", {}))

    assert re.fullmatch("[0-9a-f]{32}", headers.pop("ce_id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", headers["ce_time"])
    assert before <= datetime.fromisoformat(headers.pop("ce_time")) <= datetime.now(UTC)
    assert headers == {
        "ce_type": "midi.callback",
        "ce_source": "/midi-ingest",
        "ce_specversion": "1.0",
        "content-type": "application/json",
        "midi-schema": "1",
        "midi-dialect": "sunoapi.org",
        "midi-origin": "callback",
    }


def test_no_two_receipts_have_one_id() -> None:
    assert len({dict(receipt_headers("sunoapi.org", {}))["ce_id"] for _ in range(100)}) == 100


@pytest.mark.parametrize("trace", [TRACE, TRACE[:-2] + "00", "cc" + TRACE[2:]])
def test_a_well_formed_trace_is_passed_on(trace: str) -> None:
    assert from_wire(receipt_headers("sunoapi.org", {"traceparent": trace}))["traceparent"] == trace


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "ff" + TRACE[2:],
        TRACE.upper(),
        TRACE[:-1],
        TRACE + "-x",
        TRACE + "\n",
        " " + TRACE,
        TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        TRACE.replace("00f067aa0ba902b7", "0" * 16),
        TRACE.replace("-", "_"),
        TRACE.replace("4", "\u0664"),
        "\udcff" * 55,
    ],
)
def test_any_other_trace_is_left_out(trace: str) -> None:
    assert "traceparent" not in from_wire(receipt_headers("sunoapi.org", {"traceparent": trace}))


def test_the_state_of_a_trace_is_passed_on_with_it() -> None:
    trace = {"traceparent": TRACE, "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}
    assert trace.items() <= from_wire(receipt_headers("sunoapi.org", trace)).items()


@pytest.mark.parametrize("state", ["", "é=1", "a=1\n", "a" * 513])
def test_any_other_state_of_a_trace_is_left_out_and_so_is_one_without_a_trace(state: str) -> None:
    for context in ({"traceparent": TRACE, "tracestate": state}, {"tracestate": "rojo=1"}):
        assert "tracestate" not in from_wire(receipt_headers("sunoapi.org", context))

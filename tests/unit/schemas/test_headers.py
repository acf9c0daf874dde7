"""Headers as text and as Kafka's clients take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import headers as h


def test_of_a_repeated_header_the_last_one_counts() -> None:
    assert h.from_wire([("a", b"1"), ("b", None), ("a", b"2")]) == {"a": "2", "b": ""}


def test_a_header_that_is_not_utf8_is_read_with_replacement_characters() -> None:
    assert h.from_wire([("a", b"x\xff")]) == {"a": "x\ufffd"}


@settings(max_examples=30)
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_text_goes_through_kafka_unchanged(headers: dict[str, str]) -> None:
    assert h.from_wire(h.to_wire(headers)) == headers


def test_text_that_no_encoding_has_does_not_stop_a_record() -> None:
    assert h.to_wire({"a": "\ud800"}) == [("a", rb"\ud800")]


def test_the_original_headers_are_those_that_tell_of_no_error() -> None:
    headers = {"ce_id": "1", "error-reason": "r", "error-anything": "x", "midi-correlation-error-": "c"}
    assert h.without_errors(headers) == {"ce_id": "1", "midi-correlation-error-": "c"}


def test_correlation_parameters_have_their_own_names() -> None:
    headers = {"midi-correlation-user": "7", "midi-correlation-": "x", "midi-origin": "callback"}
    assert h.correlation(headers) == {"user": "7", "": "x"}


def test_a_timestamp_is_utc_with_microseconds_whatever_zone_it_is_given_in() -> None:
    summer = timezone(timedelta(hours=2))
    assert h.timestamp(datetime(2026, 5, 1, 14, 0, 0, 5, tzinfo=summer)) == "2026-05-01T12:00:00.000005Z"


@settings(max_examples=30)
@given(*[st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))] * 2)  # noqa: DTZ001 - Hypothesis adds the zone
def test_as_text_a_later_timestamp_is_greater(one: datetime, other: datetime) -> None:
    assert (one < other) == (h.timestamp(one) < h.timestamp(other))

"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from midi_ingest import moments

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC)),
        ("30m", datetime(2026, 11, 25, 11, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 25, 10, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 18, 12, 0, tzinfo=UTC)),
        ("2026-11-25T10:00:00Z", datetime(2026, 11, 25, 10, 0, tzinfo=UTC)),
        ("2026-11-25T10:00", datetime(2026, 11, 25, 10, 0, tzinfo=UTC)),
        ("2026-11-25T10:00+02:00", datetime(2026, 11, 25, 8, 0, tzinfo=UTC)),
        ("2026-11-25", datetime(2026, 11, 25, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_in_utc_or_an_age(text: str, moment: datetime) -> None:
    assert moments.parse(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "2", "2 h", "h", "-2h", "2w", "yesterday", "1969-12-31", "999999d"])
def test_what_names_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2h"):
        moments.parse(text, NOW)


def test_a_records_time_is_shown_so_that_it_can_be_asked_for() -> None:
    timestamp_ms = 1_764_072_000_678
    assert moments.written(timestamp_ms) == "2025-11-25T12:00:00.678Z"
    assert moments.seconds(timestamp_ms) == "2025-11-25T12:00:00Z"
    assert moments.in_ms(moments.parse(moments.written(timestamp_ms), NOW)) == timestamp_ms


def test_a_time_outside_the_calendar_is_shown_as_its_number() -> None:
    assert moments.written(-1) == "1969-12-31T23:59:59.999Z"
    assert moments.written(2**62) == moments.seconds(2**62) == str(2**62)

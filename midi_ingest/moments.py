"""Moments as people write and read them: RFC 3339 in UTC, or an age such as 2h."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from cyclopts import Parameter, Token

from schemas import headers as h

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str, now: datetime) -> datetime:
    """The moment that a text names: ``2026-11-25T10:00``, in UTC where it names no zone, or ``2h``, so long ago.

    Raises:
        ValueError: it names none, or one before 1970.
    """
    if age := re.fullmatch(r"([0-9]{1,5})([smhd])", text):
        moment: datetime | None = now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    else:
        moment = h.moment(text)
    if moment is None or moment < _EARLIEST:
        raise ValueError(f"expected a time such as 2026-11-25T10:00Z or an age such as 2h, not {text!r}")
    return moment


def _converted(_type: Any, tokens: Sequence[Token]) -> datetime:
    return parse(tokens[0].value, datetime.now(UTC))


Moment = Annotated[datetime, Parameter(converter=_converted, n_tokens=1)]
"""A parameter of a command that takes a moment."""


def in_ms(moment: datetime) -> int:
    """A moment as Kafka counts: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def written(timestamp_ms: int) -> str:
    """A record's time as RFC 3339 in UTC with milliseconds; one outside the calendar as its number."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    except (ValueError, OverflowError, OSError):
        return str(timestamp_ms)


def seconds(timestamp_ms: int) -> str:
    """A record's time to the second below, as a table shows it and a parameter takes it."""
    text = written(timestamp_ms)
    return text[:-5] + "Z" if text.endswith("Z") else text

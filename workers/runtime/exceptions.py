"""What a worker's function may raise to steer its record; whatever else it raises is an error of its own."""

from __future__ import annotations

from datetime import timedelta
from types import NoneType

from workers.runtime.expectations import expect
from workers.settings import delay_seconds


class Reject(Exception):
    """This record can never be handled: it becomes a dead letter with this reason."""

    def __init__(self, reason: str, message: str) -> None:
        """Takes the reason as the header ``error-reason`` will have it.

        Raises:
            TypeError: it is no text.
        """
        expect("Reject's reason", reason, str, "a str")
        super().__init__(message)
        self.reason = reason


class Retry(Exception):
    """This record may pass another time.

    It comes back after the first of the configured delays that is not below ``after``, or after the longest; without
    ``after``, as after any error. Each counts as an attempt: out of attempts, the record is a dead letter.
    """

    def __init__(self, message: str, *, after: timedelta | str | None = None) -> None:
        """Takes ``after`` as a duration, or written as the delays are: `5s`, `1m`, `2h`.

        Raises:
            TypeError: it is neither.
            ValueError: it is written otherwise.
        """
        expect("Retry's after", after, (timedelta, str, NoneType), "a timedelta or a str such as 1m")
        super().__init__(message)
        self.after = timedelta(seconds=delay_seconds(after)) if isinstance(after, str) else after


class Unavailable(Exception):
    """Something that every record needs is away: the worker waits and tries again, and nothing fails."""

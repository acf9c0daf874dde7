"""Trouble of a lane with Kafka, or with what its function needs: each try is logged, and that it is over."""

from __future__ import annotations

import time

from structlog.typing import FilteringBoundLogger

from broker.refusals import in_words


class Trouble:
    """What a lane is in while it tries again and again."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._since: float | None = None

    def met(self, what: str, error: BaseException, pause_seconds: float) -> None:
        """A try failed; the next one is after a pause."""
        self._since = self._since or time.monotonic()
        self._log.warning(what, error=_in_words(error), again_in_s=pause_seconds)

    def is_over(self) -> None:
        """All is well; that is told only where it was not."""
        if self._since is not None:
            self._log.info("lane goes on", after_s=round(time.monotonic() - self._since, 1))
            self._since = None


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group of groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _in_words(error: BaseException) -> str:
    """An error with its name, with which some of aiokafka's begin by themselves."""
    name, words = type(error).__name__, in_words(error)
    return words if words.startswith(name) else f"{name}: {words}"

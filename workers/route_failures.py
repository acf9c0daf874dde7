"""Decides where a failed record goes: back to its worker after a delay, or to the dead-letter topic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from schemas import headers as h
from schemas import reasons
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, FAILURES, WORKER_NAME, retry
from workers.runtime.api import Context, Output, Raw, worker
from workers.settings import delay_seconds

PIPELINE: Final = frozenset({"deduplicate", "normalize", "render", "store"})
"""The workers that a task needs: what fails in another one does not end the task."""


@worker("route-failures", reads=FAILURES, writes=(DEAD_LETTER, Outcome), retries=False)
def route_failures(failure: Raw, context: Context) -> list[Output]:
    """Send a failed record on its way, byte for byte."""
    return route(failure, context.key, context.settings.retry_delays)


def route(failure: Raw, key: str, delays: Sequence[str]) -> list[Output]:
    """Where a failed record goes, by the headers that tell of its failure."""
    headers = failure.headers
    worker_name, reason = headers.get(h.ERROR_WORKER, ""), headers.get(h.ERROR_REASON, "")
    attempts = headers.get(h.ERROR_ATTEMPTS, "")
    if not WORKER_NAME.fullmatch(worker_name) or not reason or not re.fullmatch(r"[0-9]{1,6}", attempts):
        return [unroutable(failure, "The headers do not tell which worker failed, why, and how often.")]
    tries = max(int(attempts), 1)
    letter = failure.to(DEAD_LETTER)
    if reason in reasons.RETRYABLE and tries <= len(delays):
        delay = _asked_for(headers, delays) or delays[tries - 1]
        # A worker that takes no second try, or is gone, has no such topic.
        return [failure.to(retry(worker_name, delay), _once_more(headers), otherwise=letter)]
    if not key or worker_name not in PIPELINE or reason in reasons.WITHOUT_OUTCOME:
        return [letter]
    return [letter, _outcome(key, reason, headers)]


def unroutable(failure: Raw, why: str) -> Raw:
    """To the dead-letter topic, as what nobody knows where to send."""
    told = {h.ERROR_REASON: reasons.UNROUTABLE, h.ERROR_MESSAGE: why}
    return failure.to(DEAD_LETTER, {**failure.headers, **told})


def _asked_for(headers: Mapping[str, str], delays: Sequence[str]) -> str | None:
    """The shortest delay that is not below what the worker asked for, else the longest; None if it did not ask."""
    asked = headers.get(h.ERROR_RETRY_AFTER, "")[:9]
    if not re.fullmatch(r"[0-9]+", asked):
        return None
    shortest_first = sorted(delays, key=delay_seconds)
    return next((delay for delay in shortest_first if delay_seconds(delay) >= int(asked)), shortest_first[-1])


def _once_more(headers: Mapping[str, str]) -> dict[str, str]:
    """The original headers, without the trace; of the failure only how often and since when."""
    original = h.without_errors(headers)
    for name in (h.TRACEPARENT, h.TRACESTATE):
        original.pop(name, None)
    return original | {
        name: headers[name] for name in (h.ERROR_ATTEMPTS, h.ERROR_FIRST_AT) if name in headers
    }


def _outcome(key: str, reason: str, headers: Mapping[str, str]) -> Outcome:
    return Outcome(
        task_id=key,
        status="failed",
        reason=reason,
        message=headers.get(h.ERROR_MESSAGE, ""),
        correlation=h.correlation(headers),
    )

"""Decides where a failed record goes: back to its worker after a delay, or to the dead-letter topic."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from schemas import headers as h
from schemas import reasons
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, FAILURES, retry
from workers.runtime.api import Context, Forward, Output, worker

PIPELINE: Final = frozenset({"deduplicate", "normalize", "render", "store"})
"""The workers that a task needs: what fails in another one does not end the task."""


@worker("route-failures", reads=FAILURES, writes=(DEAD_LETTER, Outcome), retries=False)
def route_failures(_value: bytes, context: Context) -> list[Output]:
    """Send a failed record on its way, byte for byte."""
    return route(context.key, context.headers, context.settings.retry_delays)


def route(key: str, headers: Mapping[str, str], delays: Sequence[str]) -> list[Output]:
    """Where a failed record goes, by the headers that tell of its failure."""
    worker_name, reason = headers.get(h.ERROR_WORKER, ""), headers.get(h.ERROR_REASON, "")
    attempts = headers.get(h.ERROR_ATTEMPTS, "")
    if (
        not re.fullmatch(r"[a-z0-9-]+", worker_name)
        or not reason
        or not re.fullmatch(r"[0-9]{1,6}", attempts)
    ):
        return [unroutable(headers, "The headers do not tell which worker failed, why, and how often.")]
    tries = max(int(attempts), 1)
    if reason in reasons.RETRYABLE and tries <= len(delays):
        topic = retry(worker_name, delays[tries - 1])
        # A worker that takes no second try, or is gone, has no such topic.
        return [Forward(topic, _once_more(headers), otherwise=Forward(DEAD_LETTER, headers))]
    letter = Forward(DEAD_LETTER, headers)
    if not key or worker_name not in PIPELINE or reason in reasons.WITHOUT_OUTCOME:
        return [letter]
    return [letter, _outcome(key, reason, headers)]


def unroutable(headers: Mapping[str, str], why: str) -> Forward:
    """To the dead-letter topic, as what nobody knows where to send."""
    return Forward(DEAD_LETTER, {**headers, h.ERROR_REASON: reasons.UNROUTABLE, h.ERROR_MESSAGE: why})


def _once_more(headers: Mapping[str, str]) -> dict[str, str]:
    """The original headers, without the trace; of the failure only how often and since when."""
    original = h.without_errors(headers)
    original.pop(h.TRACEPARENT, None)
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

"""Why a record failed: the header ``error-reason``, and an outcome's ``reason``.

A custom worker may reject with reasons of its own; they are permanent, like all but `RETRYABLE`.
"""

from __future__ import annotations

from typing import Final

INVALID_PAYLOAD: Final = "invalid-payload"
"""The value cannot be read as what its topic carries, or there is no key."""

KEY_MISMATCH: Final = "key-mismatch"
"""The record's key is not the task id in its body: whose task it is, nobody can tell."""

TOO_LARGE: Final = "too-large"
"""The result would not fit a record, or the body has more instruments, or arrays and objects, than are read."""

PROVIDER_FAILED: Final = "provider-failed"
"""The sender says that the task failed."""

CONFLICTING_DUPLICATE: Final = "conflicting-duplicate"
"""A completed task came again with another result; the first one stands."""

QUARANTINED: Final = "quarantined"
"""What a verified sender posted is no callback; it was kept under its digest."""

UNROUTABLE: Final = "unroutable"
"""A failure's own headers are broken, so nobody knows which worker to send it back to."""

UNEXPECTED_ERROR: Final = "unexpected-error"
"""The worker raised something that it did not foresee; another try may pass."""

UNRETRIED_ERROR: Final = "unretried-error"
"""The worker raised something that it did not foresee, and wants no other try (``on_error="reject"``)."""

RETRY_REQUESTED: Final = "retry-requested"
"""The worker asked for another try (`Retry`)."""

UNSUPPORTED_VERSION: Final = "unsupported-version"
"""The value's version is neither the worker's own nor the one before."""

KILLED_WORKER: Final = "killed-worker"
"""The worker's process died while it had this record, and nothing else, in work: out of memory, a crash, too slow."""

RETRYABLE: Final = frozenset({UNEXPECTED_ERROR, RETRY_REQUESTED})
"""Reasons that `route-failures` sends back to the worker, after a delay, until it is out of attempts."""

WITHOUT_OUTCOME: Final = frozenset(
    {PROVIDER_FAILED, CONFLICTING_DUPLICATE, KEY_MISMATCH, QUARANTINED, UNROUTABLE}
)
"""Letters for which `route-failures` writes no outcome: the task ended otherwise, has its outcome already
(deduplicate writes that of `PROVIDER_FAILED` itself, so that a late success follows it), or is unknown."""

FAULTS: Final = frozenset(
    {
        UNEXPECTED_ERROR,
        UNRETRIED_ERROR,
        RETRY_REQUESTED,
        UNSUPPORTED_VERSION,
        TOO_LARGE,
        KEY_MISMATCH,
        UNROUTABLE,
        KILLED_WORKER,
    }
)
"""Letters that something of ours, or its configuration, is to blame for: somebody has to look. All others were
foreseen: what senders send, and what custom workers reject with reasons of their own."""

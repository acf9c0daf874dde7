"""What can be wrong with state."""

from __future__ import annotations


class StateError(RuntimeError):
    """The state cannot be had, and opening the lane again would not mend that; the message says what would."""


class StoreError(OSError):
    """The disk or the database under a store failed: the lane opens anew, and restores what it missed."""

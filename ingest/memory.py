"""How the C library handles the memory of bodies."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 256 * 1024 * 1024
_STEP_BYTES: Final = 16 * 1024 * 1024
_LARGEST_BYTES: Final = 32 * 1024 * 1024


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next body, instead of giving it back to the kernel each time.

    A body of 355 KB otherwise costs fifty page faults, a tenth of all its CPU time (mallopt(3)). What is kept is
    bounded by what was in use at once. Elsewhere than on Linux with glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TOP_PAD, _STEP_BYTES)

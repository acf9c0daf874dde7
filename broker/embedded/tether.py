"""Ties a child to the life of its parent, so that even ``kill -9`` of the parent leaves nothing running.

On Linux the kernel sends SIGKILL to the child when the *thread* that started it ends (prctl(2),
PR_SET_PDEATHSIG): start children from a thread that lives as long as they should, as the main one does.
On other systems a child is not tied. The tie is made by a short Python program that then becomes the child's
own (execve keeps the tie), not by ``preexec_fn``, which is unsafe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def tied_to_this_process(command: Sequence[str]) -> list[str]:
    """The command line that runs ``command`` as a child that dies with this process.

    Once it runs, its process id and the command line that others see are those of ``command`` itself.
    """
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def tie_to_parent(parent_pid: int) -> None:
    """Have this process killed when its parent ends; exit at once if it has ended already.

    Raises:
        OSError: the kernel refuses.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        sys.exit(f"process {parent_pid} ended before its child had started")


if __name__ == "__main__":
    tie_to_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - to become the command is what this program is for

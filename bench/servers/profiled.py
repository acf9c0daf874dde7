"""`midi-ingest`, which writes its stack to standard error 250 times in a second of CPU time.

``python -m bench.servers.profiled ARGUMENTS_OF_MIDI_INGEST…``

A handler in Python would come late: after uvloop's own work, in whatever Python runs next, which would get the
blame. `faulthandler` writes in the signal handler itself, so that what the loop and the kernel take is seen.
"""

from __future__ import annotations

import faulthandler
import signal
from typing import Final

from midi_ingest.cli import main

_INTERVAL_SECONDS: Final = 0.004
"""Of CPU time: several times what writing a stack takes, so that none is written of the writing."""

if __name__ == "__main__":
    faulthandler.register(signal.SIGPROF, all_threads=False)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL_SECONDS, _INTERVAL_SECONDS)
    try:
        main()
    finally:
        signal.setitimer(
            signal.ITIMER_PROF, 0
        )  # without Python's handler, it would kill the process at its end

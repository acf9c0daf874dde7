"""`midi-ingest`, which writes its stack to standard error 250 times in a second of CPU time.

``python -m bench.servers.profiled ARGUMENTS_OF_MIDI_INGEST…``

The signal's handler is Python's, which runs between two instructions: after a call of C has returned, whoever called
it gets the blame; for what uvloop does before it calls Python, the function that it calls. `faulthandler` could write
in the signal itself, but crashes a busy process within seconds (Python 3.11).
"""

from __future__ import annotations

import faulthandler
import signal
from typing import Final

from midi_ingest.cli import main

_INTERVAL_SECONDS: Final = 0.004
"""Of CPU time: several times what writing a stack takes, so that none is written of the writing."""

if __name__ == "__main__":
    signal.signal(signal.SIGPROF, lambda *_: faulthandler.dump_traceback(all_threads=False))
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL_SECONDS, _INTERVAL_SECONDS)
    try:
        main()
    finally:
        signal.setitimer(
            signal.ITIMER_PROF, 0
        )  # without Python's handler, it would kill the process at its end

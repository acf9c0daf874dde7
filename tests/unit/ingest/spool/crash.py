"""A process that appends to a spool, and says on standard output which records are committed, until it is killed.

Its argument is the spool's folder; records are numbered from the second argument on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from ingest.spool.spool import Spool, spooling
from telemetry import logs
from telemetry.settings import TelemetrySettings
from tests.unit.ingest.spool.stand_in import record

CALLERS = 8


async def append(spool: Spool, first: int) -> None:
    for number in count(first, CALLERS):
        await spool.append(record(number, 2000))
        os.write(1, b"%d\n" % number)


async def main(folder: Path, first: int) -> None:
    async with spooling(folder, 2**30) as spool, asyncio.TaskGroup() as tasks:
        for caller in range(CALLERS):
            tasks.create_task(append(spool, first + caller))


if __name__ == "__main__":
    logs.configure(TelemetrySettings(), "crash")  # to standard error
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

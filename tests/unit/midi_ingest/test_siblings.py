"""The ingress' processes and their supervisor, where time matters: at the very start, and at the very end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.embedded.ports import free_port
from broker.embedded.tether import tied_to_this_process
from midi_ingest import siblings
from midi_ingest.settings import Settings

START_AND_HANG_UP = """
import os, signal, sys
from midi_ingest import process
from midi_ingest.commands.ingest import ingest

process.run = lambda *_, **__: os.kill(os.getpid(), signal.SIGHUP) or 0
sys.exit(ingest(processes=int(sys.argv[1])))
"""

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
HUNG_UP = "import os, signal; os.kill(os.getpid(), signal.SIGHUP)"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_hangup_before_the_ingress_listens_does_not_end_it(processes: int) -> None:
    command = [sys.executable, "-c", START_AND_HANG_UP, str(processes)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


class Starts:
    """Stands where processes are started: starts others, and lets a test come between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
        self.begun, self.may_go_on = asyncio.Event(), asyncio.Event()
        self._programs = list(programs)
        self.environments: list[Mapping[str, str]] = []
        self._really_start = asyncio.create_subprocess_exec
        monkeypatch.setattr(asyncio, "create_subprocess_exec", self)

    async def __call__(self, *_: str, **how: Any) -> asyncio.subprocess.Process:
        self.environments.append(how["env"])
        program = self._programs.pop(0)
        if not self._programs:
            self.begun.set()
            await self.may_go_on.wait()
        command = tied_to_this_process([sys.executable, "-c", program])
        process = await self._really_start(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await process.stdout.read(1)
        return process


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(port=free_port(), drain_timeout_seconds=0, data_dir=tmp_path)


async def test_a_process_that_is_being_started_does_not_hold_up_the_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, stop = Starts(monkeypatch, STUBBORN), asyncio.Event()
    async with asyncio.timeout(20):
        supervising = asyncio.create_task(siblings._supervise(settings, stop, 1))
        await starts.begun.wait()
        stop.set()
        starts.may_go_on.set()
        await supervising


async def test_processes_share_the_quota_of_what_is_no_callback(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, stop = Starts(monkeypatch, STUBBORN, STUBBORN, STUBBORN), asyncio.Event()
    starts.may_go_on.set()
    async with asyncio.timeout(20):
        supervising = asyncio.create_task(siblings._supervise(settings, stop, 3))
        await starts.begun.wait()
        stop.set()
        await supervising
    shares = [int(env["MIDI_INGEST_QUARANTINE_MAX_BYTES"]) for env in starts.environments]
    assert shares == [settings.quarantine_max_bytes // 3] * 3


async def test_a_spool_that_cannot_be_written_is_told_before_a_process_is_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts = Starts(monkeypatch, STUBBORN)
    (tmp_path / "file").touch()
    wrong = settings.model_copy(update={"spool_dir": tmp_path / "file" / "spool"})
    with pytest.raises(OSError, match="Set MIDI_INGEST_SPOOL_DIR"):
        await siblings._supervise(wrong, asyncio.Event(), 2)
    assert not starts.environments


async def test_a_process_that_a_hangup_ends_before_it_can_listen_is_started_again_and_no_death(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, stop = Starts(monkeypatch, *[HUNG_UP] * 5, STUBBORN), asyncio.Event()
    with capture_logs() as logs:
        async with asyncio.timeout(20):
            supervising = asyncio.create_task(siblings._supervise(settings, stop, 1))
            await starts.begun.wait()
            stop.set()
            starts.may_go_on.set()
            await supervising
    assert not [line for line in logs if "died" in line["event"]]

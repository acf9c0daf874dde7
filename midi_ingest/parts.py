"""The parts of a local installation as child processes: started, watched, started again, stopped.

Each dies with this process, whatever ends it (see `broker.embedded.tether`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from broker.embedded.tether import tied_to_this_process

DEATHS: Final = 5
WITHIN_SECONDS: Final = 60
STOP_SECONDS: Final = 20
READY_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.1
_LAST_LINES: Final = 12


class PartError(RuntimeError):
    """A part keeps dying, or does not become ready; the message shows the end of its log."""


def _print(text: str) -> None:
    print(text, flush=True)


@dataclass(slots=True)
class Deaths:
    """Counts how often something dies, and says when that is too often."""

    name: str
    say: Callable[[str], object] = _print
    at: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))

    def count(self, how: str, explanation: Callable[[], str]) -> None:
        """Note a death, or an end that nobody asked for, and say so: ``how`` is as in `ending`.

        Raises:
            PartError: it was one too many.
        """
        self.at.append(time.monotonic())
        if len(self.at) == DEATHS and self.at[-1] - self.at[0] < WITHIN_SECONDS:
            raise PartError(f"{self.name} died {DEATHS} times within {WITHIN_SECONDS} s.\n{explanation()}")
        self.say(f"{self.name} {how}; starting it again")


class Part:
    """One process of `midi-ingest`, such as ``worker render``; it answers ``/readyz`` at ``health_url``."""

    def __init__(
        self, name: str, arguments: list[str], env: Mapping[str, str], log_file: Path, health_url: str
    ) -> None:
        self.name, self.log_file, self.health_url = name, log_file, health_url
        self._command = tied_to_this_process([sys.executable, "-P", "-m", "midi_ingest", *arguments])
        self._env = {**os.environ, **env}
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keep it running until cancelled, then stop it.

        Raises:
            PartError: it dies too often.
        """
        deaths = Deaths(self.name)
        try:
            while True:
                self._process = await self._start()
                code = await self._process.wait()
                deaths.count(ending(code), self.last_lines)
        finally:
            await self._stop()

    async def ready(self) -> None:
        """Return once it is ready.

        Raises:
            PartError: it is not in time.
        """
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
                while not await _answers(session, f"{self.health_url}/readyz"):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise PartError(
                f"{self.name} is not ready after {READY_SECONDS} s.\n{self.last_lines()}"
            ) from None

    def last_lines(self) -> str:
        """The end of its log."""
        lines = self.log_file.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join([f"The end of {self.log_file}:", *(f"  {line}" for line in lines)])

    async def _start(self) -> asyncio.subprocess.Process:
        with self.log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._command,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us: we decide who stops when
            )

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            print(f"{self.name} does not stop; killing it", flush=True)
            process.kill()
            await process.wait()


async def until_signalled(work: Awaitable[None]) -> None:
    """Do ``work`` until it ends; SIGINT, SIGTERM and SIGHUP cancel it, and it cleans up after itself."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=2), ssl=False) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def ending(code: int) -> str:
    """How a process ended, by its return code."""
    if code < 0:
        return f"died (killed by {signal.Signals(-code).name})"
    return f"died (exit code {code})" if code else "ended (exit code 0)"

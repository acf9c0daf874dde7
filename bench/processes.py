"""The processes that are measured: started, asked for the CPU time that they have taken, stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import psutil

from bench.load import HOST
from broker.embedded.ports import free_port
from broker.embedded.tether import tied_to_this_process

_READY_SECONDS: Final = 60
_STOP_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.1
_LOG_CHARACTERS: Final = 2000


class ProcessError(RuntimeError):
    """A process ended, or did not become ready; the message shows the end of its log."""


def forget_settings() -> None:
    """No setting of the person who runs a benchmark reaches it: one may point at production."""
    for name in list(os.environ):
        if name == "KAFKA_BOOTSTRAP_SERVERS" or name.startswith("MIDI_INGEST_"):
            del os.environ[name]


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and its children have taken so far, their own and the kernel's for them.

    It comes in steps of 0.01 s.
    """
    times = [process.cpu_times() for process in _family(pid)]
    return sum(float(time.user + time.system) for time in times)


class Process:
    """``python -m`` with some arguments; it answers ``/readyz`` at a port of its own and dies with us.

    ``{port}`` in an argument or a value of ``env`` stands for that port; so many ``listeners`` share it.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        log_dir: Path,
        *,
        listeners: int = 1,
    ) -> None:
        self.name, self.port = name, free_port()
        self.log_file = log_dir / f"{name}.log"
        self._listeners = listeners
        self._arguments = [argument.format(port=self.port) for argument in arguments]
        self._env = {name: value.format(port=self.port) for name, value in env.items()}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            ProcessError: it does not run.
        """
        return self._running().pid

    async def start(self) -> None:
        """Start it; `ready` says when it can be used."""
        with self.log_file.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_this_process([sys.executable, "-m", *self._arguments]),
                env={**os.environ, **self._env},
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us: we stop it
            )

    async def ready(self) -> None:
        """Return once it is ready.

        Raises:
            ProcessError: it is not in time, or has ended.
        """
        try:
            async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
                while not await self._is_ready(session):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise ProcessError(f"{self.name} is not ready. {self._last_words()}") from None

    async def stop(self) -> None:
        """Stop it, where it runs."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            raise ProcessError(f"{self.name} does not run. {self._last_words()}")
        return self._process

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        if _listeners(self.pid, self.port) < self._listeners:
            return False
        try:
            async with session.get(f"http://{HOST}:{self.port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def _last_words(self) -> str:
        return f"The end of its log:\n{self.log_file.read_text(errors='replace')[-_LOG_CHARACTERS:]}"


@asynccontextmanager
async def running(processes: Sequence[Process]) -> AsyncIterator[None]:
    """Start processes together; the block runs once all are ready, and all are stopped after it."""
    try:
        for process in processes:
            await process.start()
        await asyncio.gather(*(process.ready() for process in processes))
        yield
    finally:
        await asyncio.gather(*(process.stop() for process in processes))


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _listeners(pid: int, port: int) -> int:
    """How many of a process and its children take connections to a port."""
    sockets = (socket for process in _family(pid) for socket in process.net_connections("tcp"))
    return sum(socket.status == psutil.CONN_LISTEN and socket.laddr.port == port for socket in sockets)

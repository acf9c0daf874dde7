"""Runs the embedded Kafka: prepares its data folder, starts it, waits until it answers, stops it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker.embedded import fetch
from broker.embedded.data_folder import DataFolder
from broker.embedded.errors import BrokerError
from broker.embedded.health import answers
from broker.embedded.java import java_command
from broker.embedded.last_words import last_words, size_of
from broker.embedded.ports import free_port, require_free
from broker.embedded.properties import HOST, server_properties
from broker.embedded.tether import tied_to_this_process

_CLUSTER_ID: Final = "l3ekONHDSz6NGRA2QVGG1Q"
"""One for all: brokers that form a cluster (in tests) must have the same, and 127.0.0.1 has no others."""
_START_SECONDS: Final = 120.0
"""A start takes 3 to 6 s, longer where a crash left much to check; a Kafka that hangs must end too."""
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05


class EmbeddedKafka:
    """One Kafka broker on 127.0.0.1 that lives no longer than this process; an async context manager.

    ``data_dir`` keeps topics and records from one start to the next. ``port`` 0 takes a free one, the same
    for every start of this object. ``heap_mb`` is Java's heap in MiB. ``extra`` are broker settings that go
    before ours. Start it from the main thread: on Linux it dies with the thread that started it (``tether``).
    """

    def __init__(
        self, data_dir: Path, port: int = 9092, heap_mb: int = 512, extra: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._heap_mb = heap_mb
        self._extra = extra or {}
        self._folder = DataFolder(data_dir)
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find it, ``host:port``; a free port is known after the first start."""
        return f"{HOST}:{self.port}"

    @property
    def log_file(self) -> Path:
        """What Kafka logs; older lines are beside it in ``kafka.log.1`` and so on."""
        return self._folder.log_file

    @property
    def pid(self) -> int:
        """The process id of Kafka's Java.

        Raises:
            BrokerError: it has not been started.
        """
        return self._started().pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Return when Kafka serves clients; the first start on a machine fetches it before (45 MB).

        Raises:
            BrokerError: it cannot run; then nothing of it is left running.
        """
        if self._process is not None:
            raise BrokerError("the embedded Kafka has been started already: stop it first")
        class_path = await _class_path()
        await self._folder.claim()
        try:
            self.port = self.port or free_port()
            require_free(self.port)
            controller_port = free_port(besides=self.port)
            self._folder.prepare(server_properties(self.port, controller_port, self._extra))
            self._log_start = size_of(self.log_file)
            java = java_command(class_path, self._folder.scratch, self._heap_mb)
            if not self._folder.is_formatted:
                await self._format(java)
            await self._spawn([*java, "kafka.Kafka", "server.properties"])
            await self._until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Return when nothing of it runs any more: after a clean shutdown, or killed after ten seconds.

        It does no harm to one that has ended or was never started.
        """
        try:
            if self._process is not None and self._process.returncode is None:
                await _end(self._process)
        finally:
            self._process = None
            self._folder.release()

    async def ended(self) -> BrokerError:
        """Return when Kafka ends unasked, and why; ``stop`` it before the next ``start``."""
        code = await self._started().wait()
        return self._trouble(f"Kafka ended (exit code {code})")

    async def _format(self, java: list[str]) -> None:
        arguments = ["format", "--cluster-id", _CLUSTER_ID, "--config", "server.properties"]
        await self._spawn([*java, "kafka.tools.StorageTool", *arguments])
        if await self._started().wait() != 0:
            raise self._trouble(f"Kafka could not prepare the data folder {self._folder.path}")

    async def _spawn(self, command: list[str]) -> None:
        with self._folder.new_output() as output:
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_this_process(command),
                cwd=self._folder.path,
                env={**os.environ, "LC_ALL": "C.UTF-8"},  # for Java to find jars below a folder like "Söhne"
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[] if self._folder.lock is None else [self._folder.lock],  # while it runs, it has it
                start_new_session=True,  # a Ctrl-C is for us: we decide who stops when
            )

    async def _until_it_answers(self) -> None:
        process = self._started()
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while not await answers(self.port):
            if process.returncode is not None:
                raise self._trouble(f"Kafka ended while it started (exit code {process.returncode})")
            if asyncio.get_running_loop().time() > deadline:
                raise self._trouble(f"Kafka does not answer on {self.bootstrap_servers}")
            await asyncio.sleep(_POLL_SECONDS)

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise BrokerError("the embedded Kafka has not been started")
        return self._process

    def _trouble(self, message: str) -> BrokerError:
        words = last_words(self.log_file, self._log_start, self._folder.output_file)
        said = "".join(f"\n  {line}" for line in words) or " nothing."
        return BrokerError(f"{message}. It said:{said}\nIts log: {self.log_file}")


async def _class_path() -> list[Path]:
    """The jars, verified in a thread, whose fetching ends when this is cancelled."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(fetch.class_path, stop)
    finally:
        stop.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM; SIGKILL where that is not enough in time, or where we are not given the time."""
    try:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

"""The folder of an embedded Kafka, which one Kafka at a time has.

- ``topics/``: Kafka's own data.
- ``server.properties``, ``log4j2.properties``: written at each start.
- ``kafka.log``, ``kafka.log.1`` …: what Kafka logs; ``kafka.out``: what Java itself says.
- ``tmp/``: libraries that Kafka unpacks, emptied at each start.
- ``lock``: holds the id of the process that has the folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from broker.embedded.errors import BrokerError
from broker.embedded.ports import name_of
from broker.embedded.properties import MIB, RECORDS_FOLDER

MIN_FREE_BYTES: Final = 256 * MIB
_LOG_CONFIG: Final = Path(__file__).with_name("log4j2.properties")
_PATIENCE_SECONDS: Final = 2.0
"""A Kafka that has just been killed holds its folder for a moment longer."""
_POLL_SECONDS: Final = 0.05


class DataFolder:
    """One folder: ``claim`` it before anything else, ``release`` it after Kafka has ended."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.log_file = self.path / "kafka.log"
        self.output_file = self.path / "kafka.out"
        self.scratch = self.path / "tmp"
        self.lock: int | None = None

    @property
    def is_formatted(self) -> bool:
        """Whether Kafka's StorageTool has prepared it: it writes this file last."""
        return (self.path / RECORDS_FOLDER / "meta.properties").exists()

    async def claim(self) -> None:
        """Have the folder until ``release``; ``lock`` is then an open file that a child may share.

        Raises:
            BrokerError: another process has it, it cannot be written to, or its disk is nearly full.
        """
        with self._usable():
            self.path.mkdir(parents=True, exist_ok=True)
            self._require_space()
            self.lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                await self._take(self.lock)
            except BaseException:
                self.release()
                raise

    def release(self) -> None:
        """Give the folder free; twice does no harm."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def prepare(self, server_properties: str) -> None:
        """Write the settings, and empty what is for one start only.

        Raises:
            BrokerError: the folder cannot be written to.
        """
        with self._usable():
            (self.path / "server.properties").write_text(server_properties, "utf-8")
            shutil.copyfile(_LOG_CONFIG, self.path / _LOG_CONFIG.name)
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir()

    def new_output(self) -> BinaryIO:
        """The file for what Java says, emptied.

        Raises:
            BrokerError: it cannot be written to.
        """
        with self._usable():
            return self.output_file.open("wb")

    async def _take(self, lock: int) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while not _locked(lock):
            if asyncio.get_running_loop().time() > deadline:
                raise BrokerError(
                    f"the data folder {self.path} is in use by {_holder(lock)}: "
                    "stop that, or choose another data folder"
                )
            await asyncio.sleep(_POLL_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def _require_space(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < MIN_FREE_BYTES:
            raise BrokerError(
                f"the disk of the data folder {self.path} has only {free // MIB} MiB free, and Kafka needs "
                f"{MIN_FREE_BYTES // MIB}: make room, or choose a data folder on another disk"
            )

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BrokerError(
                f"the data folder {self.path} cannot be used ({error}): choose one that you may write to"
            ) from error


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> str:
    pid = os.pread(lock, 32, 0).decode("ascii", "replace")
    return name_of(int(pid)) if pid.isdecimal() else "another process"

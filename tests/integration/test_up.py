"""`midi-ingest up`, as a user starts it: everything comes up, is watched, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from broker.embedded.ports import free_port
from tests.topics import eventually

COMMAND = [sys.executable, "-P", "-m", "midi_ingest"]
START_SECONDS = 90


class Up:
    """A running `midi-ingest up`, what it has printed, and the processes it has started."""

    def __init__(self, folder: Path) -> None:
        self.port, self.kafka_port = free_port(), free_port()
        self.env = {
            **os.environ,
            "MIDI_INGEST_PORT": str(self.port),
            "MIDI_INGEST_PARTITIONS": "2",
            "MIDI_INGEST_DATA_DIR": str(folder / "data"),
            "MIDI_INGEST_STORE": str(folder / "store"),
        }
        self._output_file = folder / f"output-{self.port}"
        with self._output_file.open("ab") as output:
            self.process = psutil.Popen(
                [*COMMAND, "up", "--kafka-port", str(self.kafka_port)],
                env=self.env,
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        return self._output_file.read_text()

    @property
    def children(self) -> list[psutil.Process]:
        children: list[psutil.Process] = self.process.children(recursive=True)
        return children

    async def child(self, *arguments: str) -> psutil.Process:
        """The part with these arguments, once it is there: one that died takes a moment to be started again."""
        found: list[psutil.Process] = []

        async def there() -> bool:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found[:] = [c for c in self.children if c.cmdline()[-len(arguments) :] == list(arguments)]
            return len(found) == 1

        await eventually(there, lambda: f"there is no {arguments}: {self.output}")
        return found[0]

    async def says(self, text: str, times: int = 1) -> None:
        async def said() -> bool:
            assert self.process.poll() is None, self.output
            return self.output.count(text) >= times

        await eventually(said, lambda: self.output, START_SECONDS)

    async def ended(self) -> int:
        code: int = await asyncio.to_thread(self.process.wait, 60)
        return code

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run another command on this installation; its exit code and output."""
        env = {**self.env, "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.kafka_port}"}
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()


@asynccontextmanager
async def upped(folder: Path) -> AsyncIterator[Up]:
    up = Up(folder)
    try:
        await up.says("Everything is running.")
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGINT)
            await up.ended()


async def none_left(processes: list[psutil.Process]) -> None:
    """Wait until all of them have ended."""

    async def gone() -> bool:
        return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)

    await eventually(gone, lambda: f"left running: {[p.cmdline() for p in processes if p.is_running()]}", 20)


async def test_everything_comes_up_restarts_what_dies_and_leaves_nothing_behind_however_it_ends(
    tmp_path: Path,
) -> None:
    song = tmp_path / "store/tasks/5c79%2A%2A%2A%2Abe8e/song.mid"
    async with upped(tmp_path) as up:
        code, output = await up.run("send", "--wait")
        assert (code, "complete" in output) == (0, True), output
        written_at = song.stat().st_mtime_ns

        (await up.child("worker", "render")).kill()
        await up.says("render died (killed by SIGKILL); starting it again")
        code, output = await up.run("send", "--count", "20", "--duplicate", "1", "--malformed", "3", "--wait")
        assert (code, output.count("complete")) == (0, 20), output
        assert "40 answered 200" in output
        assert "malformed answered 4" in output
        assert "before" not in output

        parts = up.children
        assert len(parts) == 7  # Kafka, the ingress, five workers
        up.process.kill()
        await none_left(parts)

    async with upped(tmp_path) as again:
        code, output = await again.run("send", "--wait")
        assert (code, "complete" in output) == (0, True), output
        assert "1 task had been complete before" in output
        assert song.stat().st_mtime_ns == written_at  # the task was remembered, and not rendered again

        parts = again.children
        again.process.send_signal(signal.SIGINT)
        assert await again.ended() == 0
    assert "Stopped." in again.output
    await none_left(parts)


async def test_a_part_that_cannot_live_stops_everything_and_shows_why(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder of the store should be")
    (tmp_path / "data").mkdir()
    up = Up(tmp_path)
    try:
        for times in range(1, 5):
            await up.says("Everything is running." if times == 1 else "normalize died", times - 1 or 1)
            (await up.child("worker", "normalize")).kill()
        await up.says("normalize died", 4)
        parts = up.children
        (await up.child("worker", "normalize")).kill()
        assert await up.ended() == 1
        assert "normalize died 5 times within 60 s" in up.output
        assert "The end of" in up.output
        await none_left(parts)
    finally:
        if up.process.poll() is None:
            up.process.kill()
            await up.ended()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("which", ["ingress", "kafka"])
def test_a_port_in_use_is_named_with_its_holder(taken_port: int, which: str, tmp_path: Path) -> None:
    ports = {"ingress": free_port(), "kafka": free_port()} | {which: taken_port}
    env = {**os.environ, "MIDI_INGEST_PORT": str(ports["ingress"]), "MIDI_INGEST_DATA_DIR": str(tmp_path)}
    command = [*COMMAND, "up", "--kafka-port", str(ports["kafka"])]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert f"port {taken_port}" in result.stderr
    assert f"(process {os.getpid()})" in result.stderr
    assert "Traceback" not in result.stderr

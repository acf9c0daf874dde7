"""`midi-ingest worker NAME --processes N`: several processes, as an operator sees them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from broker.embedded.ports import free_port, is_free
from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.callback import Callback, Task
from tests.installation import Process, environment
from tests.topics import eventually, read_until, write


async def test_processes_share_the_partitions_and_one_that_dies_is_started_again_and_all_end_together(
    settings: Settings, tmp_path: Path
) -> None:
    port = next(port for port in iter(free_port, 0) if is_free(port + 1))
    env = environment(settings) | {"MIDI_INGEST_HEALTH_PORT": str(port)}
    process = Process(
        ["worker", "deduplicate", "--processes", "2"], env, tmp_path / "log", f"http://127.0.0.1:{port}"
    )
    second = Process([], env, process.log_file, f"http://127.0.0.1:{port + 1}")
    process.start()
    try:
        await process.ready()
        await second.ready()
        assert process.running
        victim, other = psutil.Process(process.running.pid).children()
        victim.kill()

        async def is_replaced() -> bool:
            children = psutil.Process(process.running.pid).children() if process.running else []
            return len(children) == 2 and victim not in children

        await eventually(is_replaced, process.log_file.read_text)
        tasks = [f"task-{number}" for number in range(20)]
        await write(settings, Callback.topic, *((t, samples.song(t, 1), {}) for t in tasks))
        await read_until(settings, Task.topic, lambda seen: {record.key for record in seen} == {*tasks})
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0, process.log_file.read_text()
    assert not other.is_running()
    assert "died (killed by SIGKILL); starting it again" in process.log_file.read_text()


async def test_health_ports_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    env = {**os.environ, "MIDI_INGEST_HEALTH_PORT": "65535"}
    process = Process(["worker", "deduplicate", "--processes", "2"], env, tmp_path / "log", "")
    process.start()
    assert await process.ended() == 2
    assert "MIDI_INGEST_HEALTH_PORT" in process.log_file.read_text()

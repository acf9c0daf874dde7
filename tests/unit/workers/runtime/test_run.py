"""A worker process as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.topics import make_settings
from workers.render import render
from workers.runtime.run import run


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_a_kafka_that_says_nothing(
    tmp_path: Path,
) -> None:
    asked, stop = asyncio.Event(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        settings = make_settings(f"{host}:{port}", tmp_path)
        running = asyncio.create_task(run([render], settings, stop, version="test"))
        await asked.wait()
        stop.set()
        await running

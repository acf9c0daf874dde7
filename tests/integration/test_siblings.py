"""`midi-ingest ingest --processes N`: one port, several processes, as an operator sees them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from broker.embedded.ports import free_port
from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.callback import Callback
from tests.installation import Process
from tests.topics import eventually, read_all


@asynccontextmanager
async def siblings(settings: Settings, folder: Path, **env: str) -> AsyncIterator[Process]:
    """Two processes of the ingress and their supervisor, all ready."""
    port = free_port()
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
        "MIDI_INGEST_PORT": str(port),
        **env,
    }
    arguments = ["ingest", "--processes", "2"]
    process = Process(arguments, environment, folder / "ingest.log", f"http://127.0.0.1:{port}")
    process.start()
    try:
        await eventually(lambda: listen(process, 2), process.log_file.read_text)
        await process.ready()
        yield process
    finally:
        if process.running and process.running.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert await process.ended() == 0, process.log_file.read_text()


def children(process: Process) -> list[psutil.Process]:
    assert process.running
    return psutil.Process(process.running.pid).children()


async def listen(process: Process, count: int) -> bool:
    """Whether so many children listen."""

    def listening(child: psutil.Process) -> bool:
        try:
            return any(c.status == psutil.CONN_LISTEN for c in child.net_connections())
        except psutil.Error:
            return False

    return sum(map(listening, children(process))) == count


async def post(url: str, body: bytes) -> int:
    """A callback on a connection of its own."""
    connector = aiohttp.TCPConnector(force_close=True)
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"{url}/suno-midi-callback", data=body, headers=headers) as answer,
    ):
        return answer.status


async def test_processes_share_a_port_and_one_that_dies_is_started_again(
    settings: Settings, tmp_path: Path
) -> None:
    async with siblings(settings, tmp_path) as process:
        posted = [f"before-{n}" for n in range(20)]
        assert {await post(process.health_url, samples.song(task, 1)) for task in posted} == {200}

        victim = children(process)[0]
        victim.kill()
        await eventually(lambda: replaced(process, victim.pid), process.log_file.read_text)
        after = [f"after-{n}" for n in range(20)]
        assert {await post(process.health_url, samples.song(task, 1)) for task in after} == {200}
        lines = [json.loads(line) for line in process.log_file.read_text().splitlines()]
        (death,) = [line for line in lines if "died" in line["event"]]
        number = death["process"]
        assert death["event"] == f"ingest {number} died (killed by SIGKILL); starting it again"
        listening = [line["process"] for line in lines if line["event"] == "listening"]
        assert sorted(listening) == sorted([1, 2, number])

        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{process.health_url}/metrics") as answer,
        ):
            shown = await answer.text()
        assert 'midi_ingest_requests_total{route="callback",status="200"} 40.0' in shown
        assert 'midi_ingest_requests_total{route="callback",status="503"} 0.0' in shown
        assert 'midi_ingest_start_time_seconds{part="ingest"}' in shown

    assert {record.key for record in await read_all(settings, Callback.topic)} == {*posted, *after}


async def replaced(process: Process, pid: int) -> bool:
    return pid not in {child.pid for child in children(process)} and await listen(process, 2)


async def test_all_drain_and_end_together(settings: Settings, tmp_path: Path) -> None:
    async with siblings(settings, tmp_path) as process:
        ours = children(process)
        process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0
        assert not [child for child in ours if child.is_running()]
        log = process.log_file.read_text()
    assert log.count('"stopping"') == 2


async def test_all_read_their_secrets_again(settings: Settings, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("first-0123456789abcdef\n")
    secret = {"MIDI_INGEST_ORIGIN": "url-token", "MIDI_INGEST_URL_TOKENS_FILE": str(tokens)}
    async with siblings(settings, tmp_path, **secret) as process:
        tokens.write_text("second-0123456789abcdef\n")
        process.send_signal(signal.SIGHUP)

        async def all_have() -> bool:
            log = process.log_file.read_text()
            return log.count('"MIDI_INGEST_URL_TOKENS_FILE": 1, "event": "secrets read again"') == 2

        await eventually(all_have, process.log_file.read_text)
        base = f"{process.health_url}/suno-midi-callback"
        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession() as session:
            for token, status in (("first", 401), ("second", 200)):
                url = f"{base}/{token}-0123456789abcdef"
                async with session.post(url, data=samples.song("t", 1), headers=headers) as answer:
                    assert answer.status == status
        log = process.log_file.read_text()
    assert "0123456789abcdef" not in log


async def test_a_port_that_is_taken_is_told_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        env = {**os.environ, "MIDI_INGEST_PORT": str(port)}
        process = Process(["ingest", "--processes", "2"], env, tmp_path / "log", "")
        process.start()
        assert await process.ended() == 1
    log = process.log_file.read_text()
    assert log.count(f"Cannot listen on 127.0.0.1:{port}: Address already in use. Set MIDI_INGEST_HOST") == 1


async def test_several_processes_need_a_port_of_their_choice(tmp_path: Path) -> None:
    process = Process(
        ["ingest", "--processes", "2"], {**os.environ, "MIDI_INGEST_PORT": "0"}, tmp_path / "log", ""
    )
    process.start()
    assert await asyncio.wait_for(process.ended(), 30) == 2
    assert "MIDI_INGEST_PORT" in process.log_file.read_text()

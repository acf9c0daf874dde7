"""Commands that ask Kafka, as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from midi_ingest.settings import Settings
from schemas.outcome import Outcome
from tests.topics import delete_topics, make_settings, write
from tests.unit.ingest.spool.stand_in import filled

EXAMPLE = Path(__file__).parents[2] / "examples" / "loudest_note.py"


async def command(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run `midi-ingest`; its exit code, standard output and standard error."""
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "midi_ingest", *arguments),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_topics_diff_tells_what_is_missing_and_apply_makes_it(
    kafka_servers: str, tmp_path: Path
) -> None:
    settings = make_settings(kafka_servers, tmp_path)
    with_example = ("--worker", f"{EXAMPLE}:loudest", "--output", "json")
    code, output, _ = await command(settings, "topics", "diff", *with_example)
    missing = {drift["topic"] for drift in json.loads(output)}
    assert code == 1
    assert {
        f"{settings.topic_prefix}{name}" for name in ("callbacks", "loudest", "retry.store.10m")
    } <= missing
    try:
        code, output, _ = await command(settings, "topics", "apply", *with_example)
        assert (code, {drift["topic"] for drift in json.loads(output)}) == (0, missing)
        code, output, _ = await command(settings, "topics", "diff", *with_example)
        assert (code, json.loads(output)) == (0, [])
        assert await command(settings, "topics", "diff") == (0, "No difference.\n", "")
    finally:
        await delete_topics(settings)


async def test_a_worker_without_its_topics_names_them_and_exits_1(kafka_servers: str, tmp_path: Path) -> None:
    settings = make_settings(kafka_servers, tmp_path)
    code, _, errors = await command(settings, "worker", "render")
    assert code == 1
    assert f"{settings.topic_prefix}scores" in errors
    assert "midi-ingest topics apply`, or set" in errors
    assert "Traceback" not in errors


async def test_the_topics_of_a_worker_of_ones_own_are_told_with_the_command_that_makes_them(
    kafka_servers: str, tmp_path: Path
) -> None:
    settings, reference = make_settings(kafka_servers, tmp_path), f"{tmp_path}/a folder/own.py:loudest"
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "own.py").write_text(EXAMPLE.read_text())
    for arguments in (["worker", "render", reference], ["replay", "--from", "1d", "--only", reference]):
        code, _, errors = await command(settings, *arguments)
        assert code == 1
        assert f"`midi-ingest topics apply --worker '{reference}'`, or set" in errors


async def test_a_spool_that_cannot_be_drained_for_want_of_topics_says_so(
    kafka_servers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(kafka_servers, tmp_path)
    monkeypatch.setenv("MIDI_INGEST_SPOOL_DIR", str(tmp_path / "spool"))
    await filled(tmp_path / "spool", range(2))
    code, output, errors = await command(settings, "spool", "drain")
    assert (code, output.startswith("0 records published")) == (1, True)
    assert f"2 records. Missing topics: {settings.topic_prefix}callbacks" in errors
    assert "midi-ingest topics apply" in errors


async def test_kafka_that_does_not_answer_is_named(tmp_path: Path) -> None:
    settings = make_settings("127.0.0.1:1", tmp_path)
    for arguments in (["worker", "render"], ["topics", "diff"], ["topics", "read", "x"], ["dlq", "list"]):
        code, _, errors = await command(settings, *arguments)
        assert code == 1
        assert "Kafka at 127.0.0.1:1 does not answer" in errors
        assert (
            "KAFKA_BOOTSTRAP_SERVERS says where it is; `midi-ingest up` (in the checkout `make run`)"
            in errors
        )
        assert "Traceback" not in errors


async def test_topics_read_prints_what_was_committed(settings: Settings) -> None:
    await write(
        settings, Outcome.topic, ("a", b'{"n": 1}', {"x": "y"}), ("b", b"\xff\x00", {}), ("a", b"two", {})
    )
    name = settings.layout.name(Outcome.topic)
    code, output, errors = await command(settings, "topics", "read", "outcomes")
    assert (code, errors) == (0, "")
    assert sorted(output.splitlines()) == ["a two", 'a {"n": 1}', "b (2 bytes)"]
    code, output, _ = await command(settings, "topics", "read", name, "--key", "a", "--output", "json")
    told = [json.loads(line) for line in output.splitlines()]
    assert [(one["key"], one["value"], one["topic"]) for one in told] == [
        ("a", {"n": 1}, name),
        ("a", "two", name),
    ]
    assert told[0]["headers"] == {"x": "y"}
    code, output, _ = await command(settings, "topics", "read", name, "--follow", "--limit", "2")
    assert (code, len(output.splitlines())) == (0, 2)
    code, _, errors = await command(settings, "topics", "read", "bogus")
    assert code == 1
    assert f"There is no topic 'bogus'. There are {settings.topic_prefix}callbacks" in errors


async def test_send_waits_for_no_task_that_was_refused(settings: Settings) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.json_response({"detail": "Too many callbacks."}, status=503)

    ingress = web.Application()
    ingress.router.add_post("/", busy)
    async with TestServer(ingress) as server:
        url = str(server.make_url("/"))
        code, _, errors = await command(
            settings, "send", "--url", url, "--count", "2", "--wait", "--timeout", "5"
        )
    assert (code, errors) == (1, "2 refused: 503: Too many callbacks.\n")

"""`store` on a real S3 server and a real Kafka: nothing is lost, half-written or given up, whatever the server does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from broker import topics
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas.callback import Task
from schemas.file import MidiFile
from schemas.message import Message
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import FAILURES
from tests.docs import OBJECT_STORES
from tests.installation import Process, environment, worker_process
from tests.s3_server import BUCKET, REGION, BadConnection, S3Server, bad_connection
from tests.topics import delete_topics, eventually, make_settings, read_all, read_until, write
from workers.store import folder_name

SONG = b"MThd\x00\xff"
DEADLINE_SECONDS = "4"


@dataclass
class Keeper:
    """A process of `store`, the server that it writes to, and the connection between them."""

    settings: Settings
    process: Process
    server: S3Server
    connection: BadConnection
    secrets_file: Path

    async def put(self, *task_ids: str, body: bytes = b"{}") -> None:
        """Let each task's callback, score and song be there for `store`."""
        for task_id in task_ids:
            score = Score(task_id=task_id, duration=0, warnings=[], instruments=[])
            messages: Iterable[Message] = (Task(body), score, MidiFile(SONG))
            for message in messages:
                kind = type(message)
                headers = {h.CE_ID: "r1", h.CE_TIME: "2026-05-01T12:00:00.000000Z", h.CE_TYPE: kind.kind}
                await write(self.settings, kind.topic, (task_id, message.encode(), headers))

    async def outcome(self, task_id: str) -> Outcome:
        """How a task ended, once it has: by one outcome."""
        seen = await read_until(
            self.settings, Outcome.topic, lambda seen: any(r.key == task_id for r in seen)
        )
        (outcome,) = [Outcome.decode(record.value) for record in seen if record.key == task_id]
        return outcome

    async def waits(self, *words: str) -> None:
        """Return once the health check says that a lane waits, and why, in these words."""
        last: list[str] = []

        async def said() -> bool:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.process.health_url}/readyz") as answer,
            ):
                last[:] = [await answer.text()]
            return all(word in last[0] for word in ("waiting", *words))

        await eventually(said, lambda: f"{last}\n{self.process.log_file.read_text()[-3000:]}")

    def set_key(self, key_id: str, secret: str) -> None:
        """What the file of secrets says from now on."""
        self.secrets_file.write_text(f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={secret}\n")

    async def kept(self) -> dict[str, tuple[bytes, str]]:
        """Content and content type of each object that somebody else finds there."""
        return await asyncio.to_thread(self.server.objects)

    def song(self, task_id: str) -> str:
        return f"songs/tasks/{folder_name(task_id)}/song.mid"


@pytest.fixture(scope="module")
async def keeper(kafka_servers: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keeper]:
    """One for this file; each test has tasks of its own, and leaves everything as it was."""
    folder, server = tmp_path_factory.mktemp("keeper"), S3Server()
    settings = make_settings(kafka_servers, folder).model_copy(update={"store": f"s3://{BUCKET}/songs"})
    await topics.apply(settings, wanted(settings))
    async with bad_connection(server.port) as connection:
        env = environment(settings) | {
            "MIDI_INGEST_STORE_SECRETS_FILE": str(folder / "secrets"),
            "MIDI_INGEST_CALL_DEADLINE_SECONDS": DEADLINE_SECONDS,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{connection.port}",
            "AWS_REGION": REGION,
        }
        process = worker_process("store", env, folder)
        keeper = Keeper(settings, process, server, connection, folder / "secrets")
        keeper.set_key("anybody", "anything")
        await asyncio.to_thread(server.make_bucket)
        process.start()
        try:
            await process.ready()
            yield keeper
            assert await read_all(settings, FAILURES) == []
        finally:
            if process.running and process.running.poll() is None:
                process.running.terminate()
            assert await process.ended() == 0, process.log_file.read_text()[-3000:]
            server.stop()
    await delete_topics(settings)


async def test_each_task_is_three_objects_under_its_folders_name_and_the_outcome_tells_the_url(
    keeper: Keeper,
) -> None:
    ids = ["5c79****be8e", "../a.b.", "Größe/漢", "100%25", "x" * 200]
    await keeper.put(*ids)
    for task_id in ids:
        outcome = await keeper.outcome(task_id)
        assert (outcome.status, outcome.file) == ("complete", f"s3://{BUCKET}/{keeper.song(task_id)}")
    found = await keeper.kept()
    for task_id in ids:
        folder = f"songs/tasks/{folder_name(task_id)}"
        assert found[f"{folder}/callback.json"] == (b"{}", "application/json")
        assert found[f"{folder}/song.mid"] == (SONG, "audio/midi")
        score, content_type = found[f"{folder}/score.json"]
        assert (json.loads(score)["task_id"], content_type) == (task_id, "application/json")
    assert len(found) == 3 * len(ids)


async def test_while_the_server_is_away_it_waits(keeper: Keeper) -> None:
    await asyncio.to_thread(keeper.server.stop)
    await keeper.put("away")
    await keeper.waits("Cannot write s3://midi/songs/tasks/away/")
    await asyncio.to_thread(keeper.server.start)
    assert (await keeper.outcome("away")).status == "complete"
    assert keeper.song("away") in await keeper.kept()


async def test_answers_that_are_slow_are_waited_for_and_end_no_process(keeper: Keeper) -> None:
    assert keeper.process.running
    before = keeper.process.running.pid
    keeper.connection.answers.clear()
    await keeper.put("slow")
    await keeper.waits("songs/tasks/slow/", "was not written within 2 s")
    keeper.connection.answers.set()
    assert (await keeper.outcome("slow")).status == "complete"
    assert (keeper.process.running.pid, keeper.process.running.poll()) == (before, None)


async def test_what_is_cut_in_its_midst_is_there_whole_or_not_at_all(keeper: Keeper) -> None:
    body = b'{"notes":"' + b"x" * 500_000 + b'"}'
    keeper.connection.cut_after_bytes = 100_000
    keeper.connection.reset()
    await keeper.put("cut", body=body)
    await keeper.waits("songs/tasks/cut/callback.json", "the connection was cut")
    assert keeper.connection.cut > 0
    assert "songs/tasks/cut/callback.json" not in await keeper.kept()
    keeper.connection.cut_after_bytes = None
    assert (await keeper.outcome("cut")).status == "complete"
    assert (await keeper.kept())["songs/tasks/cut/callback.json"] == (body, "application/json")


async def test_without_its_bucket_it_waits_until_somebody_makes_it(keeper: Keeper) -> None:
    await asyncio.to_thread(keeper.server.delete_bucket)
    await keeper.put("homeless")
    await keeper.waits("404 Not Found, NoSuchBucket. Create the bucket, or correct MIDI_INGEST_STORE")
    await asyncio.to_thread(keeper.server.make_bucket)
    assert (await keeper.outcome("homeless")).status == "complete"


async def test_with_wrong_credentials_it_waits_until_they_are_right_and_needs_no_more_than_the_docs_say(
    keeper: Keeper,
) -> None:
    key_id, secret = await asyncio.to_thread(keeper.server.make_user, documented_policy())
    keeper.set_key(key_id, "wrong")
    with keeper.server.checking():
        await keeper.put("denied")
        await keeper.waits("403 Forbidden, SignatureDoesNotMatch. Correct the credentials")
        keeper.set_key(key_id, secret)
        assert (await keeper.outcome("denied")).status == "complete"
    assert keeper.song("denied") in await keeper.kept()
    assert secret not in keeper.process.log_file.read_text()


async def test_where_it_may_not_write_it_waits_until_it_may(keeper: Keeper) -> None:
    policy = json.dumps(documented_policy()).replace("/songs/", "/elsewhere/")
    keeper.set_key(*await asyncio.to_thread(keeper.server.make_user, json.loads(policy)))
    with keeper.server.checking():
        await keeper.put("forbidden")
        await keeper.waits("403 Forbidden, AccessDenied")
    assert (await keeper.outcome("forbidden")).status == "complete"


def documented_policy() -> dict[str, object]:
    """The one in docs/object-stores.md, word for word."""
    blocks = re.findall(r"```json\n(.*?)```", OBJECT_STORES.read_text(), re.DOTALL)
    policy: dict[str, object] = json.loads(blocks[0])
    return policy

"""The whole pipeline while its processes are killed, stopped and rebalanced at random, by a seed; then a ledger.

Every callback that was acknowledged has ended once: as a song with its outcome `complete`, or as a dead letter. What
was never sent does not appear. `MIDI_INGEST_TEST_SEEDS` runs so many seeds of `MIDI_INGEST_TEST_LEDGER_CALLBACKS` each.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import pytest

from broker import topics
from broker.embedded import EmbeddedKafka
from midi_ingest import samples
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.file import MidiFile
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER
from tests.faults import counting
from tests.faults.counting import SESSION_SECONDS, stored
from tests.installation import Installation, Process, installed, worker_process
from tests.topics import eventually, make_settings, read_all
from workers.catalogue import BUILT_IN

KAFKA = counting.KAFKA
SEEDS = int(os.environ.get("MIDI_INGEST_TEST_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("MIDI_INGEST_TEST_FIRST_SEED", "1"))
CALLBACKS = int(os.environ.get("MIDI_INGEST_TEST_LEDGER_CALLBACKS", "240"))
RATE = float(os.environ.get("MIDI_INGEST_TEST_RATE", "60"))
PATIENCE_SECONDS = 120 + CALLBACKS / 20
AT_A_TIME = 3
TRIES = 20
"""As often a sender that gets no 200 posts the same callback again; none gives up here while a process starts."""


@dataclass
class Sent:
    """What was posted, and what was said of it."""

    chance: random.Random
    tasks: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    posts: int = 0

    async def post_all(self, installation: Installation, seed: int) -> None:
        """Post songs, failures and what is no song, at `RATE` a second; some twice."""
        started = asyncio.get_running_loop().time()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for number in range(CALLBACKS):
                task_id = f"task-{seed}-{number}"
                body = self._body(task_id)
                self.tasks.add(task_id)
                for _ in range(2 if self.chance.random() < 0.1 else 1):
                    group.create_task(self._post(session, installation.url, task_id, body))
                await asyncio.sleep(started + number / RATE - asyncio.get_running_loop().time())

    def _body(self, task_id: str) -> bytes:
        kind = self.chance.random()
        if kind < 0.05:
            return orjson.dumps({"task_id": task_id, "code": 500, "msg": "generation failed", "data": None})
        if kind < 0.1:
            return orjson.dumps({"task_id": task_id, "code": 200, "data": {"instruments": "none"}})
        return samples.song(task_id, 20)

    async def _post(self, session: aiohttp.ClientSession, url: str, task_id: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        for _ in range(TRIES):
            self.posts += 1
            try:
                timeout = aiohttp.ClientTimeout(total=15)  # as the senders'
                async with session.post(url, data=body, headers=headers, timeout=timeout) as answer:
                    if answer.status == 200:
                        self.acknowledged.add(task_id)
                        return
            except (aiohttp.ClientError, TimeoutError):  # killed or stopped: it may have arrived, or not
                pass
            await asyncio.sleep(1)  # so long a sender waits before it repeats itself


class Faults:
    """Faults of several processes at a time, chosen by a seed."""

    def __init__(self, installation: Installation, chance: random.Random, folder: Path) -> None:
        self._processes, self._chance, self._folder = installation.processes, chance, folder
        self._struck: set[str] = set()
        self.done: Counter[str] = Counter()

    async def strike(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(self._strike_one_by_one())

    async def _strike_one_by_one(self) -> None:
        while True:
            name = self._chance.choice(sorted(self._processes.keys() - self._struck))
            fault = self._chance.choice([self._kill, self._stop, self._rebalance])
            self._struck.add(name)
            await fault(name, self._processes[name])
            self._struck.remove(name)
            await asyncio.sleep(self._chance.random())  # part of the schedule

    async def _kill(self, name: str, process: Process) -> None:
        try:
            await process.kill()
        finally:  # the schedule may end meanwhile
            assert process.running
            process.running.wait()
            process.start()
        self.done[f"kill {name}"] += 1
        if self._chance.random() < 0.7:  # else the next fault meets it while it starts
            await process.ready()

    async def _stop(self, name: str, process: Process) -> None:
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(
                self._chance.choice([0.3, 2.5 * SESSION_SECONDS])
            )  # the fault: it lasts so long
        finally:
            process.send_signal(signal.SIGCONT)
        self.done[f"stop {name}"] += 1

    async def _rebalance(self, name: str, _process: Process) -> None:
        """Another member comes and goes, in whichever way."""
        if name not in BUILT_IN:
            return
        process_env = self._processes[name].env
        other = worker_process(name, process_env, self._folder)
        other.log_file = self._folder / f"{name}-other.log"
        other.start()
        ends = {
            0,
            -signal.SIGKILL,
            -signal.SIGTERM,
        }  # the last where it is told to end while Python starts it
        try:
            await other.ready()
            ends.remove(-signal.SIGTERM)
            await asyncio.sleep(self._chance.random())  # the fault: it lasts so long
        finally:
            other.send_signal(self._chance.choice([signal.SIGTERM, signal.SIGKILL]))
            assert await other.ended() in ends, other.log_file.read_text()[-3000:]
        self.done[f"rebalance {name}"] += 1


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
async def test_every_acknowledged_callback_ends_once_whatever_is_killed_stopped_or_rebalanced(
    kafka: EmbeddedKafka, tmp_path: Path, seed: int
) -> None:
    settings = make_settings(kafka.bootstrap_servers, tmp_path)
    await topics.apply(settings, wanted(settings))
    sent = Sent(random.Random(seed))  # noqa: S311 - chance, not secrets
    more = {
        "MIDI_INGEST_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
        "MIDI_INGEST_SPOOL_DIR": str(tmp_path / "spool"),
    }
    async with installed(settings, tmp_path, **more) as installation:
        faults = Faults(installation, random.Random(-seed), tmp_path)  # noqa: S311 - chance, not secrets
        striking = asyncio.create_task(faults.strike())
        posting = asyncio.create_task(sent.post_all(installation, seed))
        await asyncio.wait([striking, posting], return_when=asyncio.FIRST_COMPLETED)
        striking.cancel()
        await asyncio.wait([striking])
        assert striking.cancelled(), striking.exception()
        await posting
        await asyncio.gather(*(process.ready() for process in installation.processes.values()))
        await all_ended(settings, sent)
        await installation.settled()  # repeats have passed through, too
    await check(settings, sent, faults)


async def all_ended(settings: Settings, sent: Sent) -> None:
    """Wait until each acknowledged task has an end."""
    missing = set(sent.acknowledged)

    async def there() -> bool:
        missing.difference_update(await completed(settings), await letters(settings))
        return not missing

    await eventually(
        there, lambda: f"{len(missing)} never end, such as {sorted(missing)[:5]}", PATIENCE_SECONDS
    )


async def check(settings: Settings, sent: Sent, faults: Faults) -> None:
    """Compare what was said with what there is."""
    complete, dead = await completed(settings), await letters(settings)
    records = {record.key for record in await read_all(settings, MidiFile.topic)}
    songs = {path.parent.name for path in stored(settings, "tasks/*/song.mid")}
    why = Counter(record.headers[h.ERROR_REASON] for record in await read_all(settings, DEAD_LETTER))
    print(  # noqa: T201 - pytest shows it with -s: the figures of a long run
        f"{len(sent.tasks)} tasks, {sent.posts} posts, {len(sent.acknowledged)} acknowledged: "
        f"{len(complete)} complete, {len(dead)} dead letters {dict(why)}; "
        f"{sum(faults.done.values())} faults {dict(sorted(faults.done.items()))}"
    )
    assert faults.done
    assert sent.acknowledged <= complete.keys() | dead.keys()
    assert not complete.keys() & dead.keys()
    assert {task_id: times for task_id, times in complete.items() if times > 1} == {}
    assert complete.keys() <= songs
    assert complete.keys() <= records
    fences = {task_id for task_id in complete if task_id.startswith("fence-")}
    assert complete.keys() - fences <= sent.tasks
    assert dead.keys() <= sent.tasks
    assert songs - fences <= sent.tasks


async def completed(settings: Settings) -> Counter[str]:
    """How often each task was told to be complete."""
    outcomes = [
        (record.key, Outcome.decode(record.value)) for record in await read_all(settings, Outcome.topic)
    ]
    return Counter(key for key, outcome in outcomes if outcome.status == "complete")


async def letters(settings: Settings) -> Counter[str]:
    """How many dead letters each task has: each record one, and a body that is no song one at each repeat.

    An ingress that was killed or stopped may have published a receipt twice.
    """
    found = await read_all(settings, DEAD_LETTER)
    failed = (h.ERROR_TOPIC, h.ERROR_PARTITION, h.ERROR_OFFSET)
    letters_of_records = Counter(tuple(record.headers[name] for name in failed) for record in found)
    assert set(letters_of_records.values()) <= {1}
    once = Counter(r.key for r in found if r.headers[h.ERROR_REASON] != reasons.INVALID_PAYLOAD)
    assert set(once.values()) <= {1}
    return Counter(record.key for record in found)

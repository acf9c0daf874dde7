"""`midi-ingest send`: post callbacks to the ingress, as a sender would."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import orjson
from aiokafka.errors import KafkaError
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.origin.keyring import OriginError
from midi_ingest import samples
from midi_ingest.cli import FAILED, USAGE, fail, kafka_failed
from midi_ingest.outcomes import Outcomes
from midi_ingest.settings import Settings, SettingsError, load
from midi_ingest.signing import Signer
from midi_ingest.terminal import counted
from midi_ingest.urls import callback_url, secret_callback_url
from schemas.dialects import read_envelope
from schemas.outcome import Outcome
from telemetry import logs
from workers.runtime.trouble import first_of

CONNECTIONS: Final = 32
QUARANTINED: Final = "200 (quarantined)"
Count = Annotated[int, Parameter(validator=Number(gte=0))]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and what proves the origin there."""

    url: str
    signer: Signer


@dataclass(frozen=True, slots=True)
class Post:
    """A body to post; ``task_id`` is None where it is no callback and must be refused."""

    task_id: str | None
    body: bytes


@dataclass(slots=True)
class Tally:
    """What was answered: statuses of callbacks, of bodies that are none, and the seconds each took."""

    callbacks: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    """Why callbacks were not taken in, in the ingress' words."""
    taken_in: set[str] = field(default_factory=set)
    """The tasks of those that were."""
    seconds: list[float] = field(default_factory=list)

    @property
    def as_expected(self) -> bool:
        """Whether all callbacks were taken in, and all else was refused or kept aside."""
        aside = all(status.startswith("4") or status == QUARANTINED for status in self.malformed)
        return set(self.callbacks) <= {"200"} and aside


def send(
    file: Path | None = None,
    /,
    *,
    url: str | None = None,
    count: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    rate: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    duplicate: Count = 0,
    malformed: Count = 0,
    notes: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    wait: bool = False,
    timeout: Annotated[float, Parameter(validator=Number(gt=0))] = 60,
) -> int:
    """Post callbacks to the ingress, as a sender would: the sample, a file, or many.

    They are signed, or posted to a secret URL, as MIDI_INGEST_ORIGIN asks for, with the secrets in the settings.

    Args:
        file: the callback to post; without it, the sample in the sender's documentation.
        url: where to; by default the ingress that the settings describe.
        count: how many; with more than one, each gets a task id of its own.
        rate: at most so many a second; without it, as fast as they are answered.
        duplicate: post each callback so many times more.
        malformed: post so many bodies more that are no callbacks and must be refused.
        notes: post generated songs with so many notes instead of the sample.
        wait: wait until each task has ended, and say where its MIDI file is (asks Kafka).
        timeout: how long to wait for the tasks' ends, in seconds.
    """
    try:
        settings = load()
        target = Target(url or secret_callback_url(settings), Signer(settings))
        posts = _posts(file, count, notes)
    except (SettingsError, OriginError) as error:
        return fail(str(error), USAGE)
    except (OSError, ValueError) as error:  # also NotJson and NotACallback
        return fail(f"{file}: {error}", USAGE)
    logs.configure(settings, "send")
    everything = _with_extras(posts, duplicate, malformed)
    code = FAILED
    try:
        code = asyncio.run(_send(settings, target, everything, rate, timeout if wait else None))
    except* aiohttp.ClientError as errors:  # a group, since many are posted at once
        fail(
            f"no answer at {url or callback_url(settings)}: {first_of(errors)}. `midi-ingest up` starts everything."
        )
    except* (KafkaError, OSError) as errors:
        kafka_failed(settings.kafka_bootstrap_servers, first_of(errors))
    return code


def _posts(file: Path | None, count: int, notes: int | None) -> list[Post]:
    """The callbacks to post.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no callback, or notes are wanted beside it.
    """
    if file and notes is not None:
        raise ValueError("notes are generated only without a file")
    body = file.read_bytes() if file else samples.sample()
    if count == 1 and notes is None:
        task_id = read_envelope(body).task_id
        return [Post(task_id, body)]
    ids = [str(uuid.uuid4()) for _ in range(count)]
    if file or notes is None:
        read_envelope(body)
        return [Post(task_id, samples.renamed(body, task_id)) for task_id in ids]
    return [Post(task_id, samples.song(task_id, notes)) for task_id in ids]


def _with_extras(posts: Sequence[Post], duplicate: int, malformed: int) -> list[Post]:
    """Each callback with its repeats, and the bodies that are none spread among them."""
    everything = [post for post in posts for _ in range(1 + duplicate)]
    for number in range(malformed):
        body = samples.MALFORMED[number % len(samples.MALFORMED)]
        everything.insert(number * (len(everything) + 1) // malformed, Post(None, body))
    return everything


async def _send(
    settings: Settings, target: Target, posts: Sequence[Post], rate: float | None, wait_seconds: float | None
) -> int:
    tasks = {post.task_id for post in posts if post.task_id}
    outcomes = Outcomes(settings, tasks) if wait_seconds else None
    try:
        if outcomes:
            await outcomes.start()
        tally = await _post_all(target, posts, rate)
        print(_summary(tally))
        for why, times in tally.refusals.most_common():
            print(f"{times} refused: {why}", file=sys.stderr)
        if not outcomes or not wait_seconds:
            return 0 if tally.as_expected else FAILED
        outcomes.only(tally.taken_in)
        complete = await _report(outcomes, len(tally.taken_in), wait_seconds)
        return 0 if complete and tally.as_expected else FAILED
    finally:
        if outcomes:
            await outcomes.stop()


async def _post_all(target: Target, posts: Sequence[Post], rate: float | None) -> Tally:
    tally = Tally()
    slots, started = asyncio.Semaphore(CONNECTIONS), time.monotonic()
    with _progress() as progress:
        bar = progress.add_task("posted", total=len(posts))

        async def post_one(session: aiohttp.ClientSession, post: Post) -> None:
            try:
                await _post(session, target, post, tally)
            finally:
                slots.release()
                progress.advance(bar)

        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for number, post in enumerate(posts):
                if rate and (early := started + number / rate - time.monotonic()) > 0:
                    await asyncio.sleep(early)
                await slots.acquire()
                group.create_task(post_one(session, post))
    return tally


async def _post(session: aiohttp.ClientSession, target: Target, post: Post, tally: Tally) -> None:
    started = time.monotonic()
    answered = tally.callbacks if post.task_id else tally.malformed
    headers = {"Content-Type": "application/json"} | target.signer.headers(post.task_id or "", post.body)
    async with session.post(target.url, data=post.body, headers=headers) as response:
        answer = await response.read()
    tally.seconds.append(time.monotonic() - started)
    quarantined = b'"quarantined"' in answer
    answered[QUARANTINED if quarantined else str(response.status)] += 1
    if not post.task_id:
        return
    if response.status != HTTPStatus.OK:
        tally.refusals[f"{response.status}: {_detail(answer)}"] += 1
    elif not quarantined:
        tally.taken_in.add(post.task_id)


def _detail(answer: bytes) -> str:
    """What a problem document says was wrong; of any other answer, its beginning."""
    try:
        document = orjson.loads(answer)
        field = f"{document['field']}: " if "field" in document else ""
        return f"{field}{document['detail']}"
    except (ValueError, KeyError, TypeError):
        return answer[:200].decode(errors="replace") or "no more was said."


async def _report(outcomes: Outcomes, expected: int, wait_seconds: float) -> bool:
    """Say how each task ended; returns whether all are complete in time."""
    ended: list[Outcome] = []
    before = sum(outcome.status == "complete" for outcome in outcomes.earlier.values())
    try:
        async with asyncio.timeout(wait_seconds):
            async for outcome in outcomes:
                ended.append(outcome)
                print(_ending(outcome))
    except TimeoutError:
        ended += outcomes.earlier.values()
        print(*map(_ending, outcomes.earlier.values()), sep="\n", end="\n" if outcomes.earlier else "")
    if before:
        print(
            f"{counted(before, 'task')} had been complete before, and stays as it is: `midi-ingest task ID` tells what "
            "became of what was posted now.",
            file=sys.stderr,
        )
    if missing := expected - len(ended):
        print(
            f"{missing} of {expected} tasks have not ended after {wait_seconds:g} s: do all workers run? "
            "`midi-ingest task ID` tells what one waits for.",
            file=sys.stderr,
        )
    return sum(outcome.status == "complete" for outcome in ended) == expected


def _ending(outcome: Outcome) -> str:
    how = outcome.file or f"{outcome.reason}: {outcome.message}"
    return f"{outcome.status:9} {outcome.task_id}  {how}"


def _summary(tally: Tally) -> str:
    parts = [f"{number} answered {status}" for status, number in sorted(tally.callbacks.items())]
    parts += [f"{number} malformed answered {status}" for status, number in sorted(tally.malformed.items())]
    milliseconds = sorted(seconds * 1000 for seconds in tally.seconds)
    if len(milliseconds) > 1:
        p99 = statistics.quantiles(milliseconds, n=100)[98]
        parts.append(f"p50 {statistics.median(milliseconds):.1f} ms, p99 {p99:.1f} ms")
    return "; ".join(parts)


def _progress() -> Progress:
    """A bar, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)

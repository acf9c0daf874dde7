"""A worker process: checks its topics, runs its members, answers health checks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from broker import topics
from schemas.topics import distinct
from telemetry import health, metrics
from telemetry.logs import logger
from workers.runtime.api import Worker
from workers.runtime.member import Member
from workers.runtime.shared import shared
from workers.runtime.vitals import Vitals
from workers.settings import WorkerSettings

GOODBYE_SECONDS: Final = 5.0
"""How long closing clients and leaving groups may take after the last batches."""


async def run(
    workers: Sequence[Worker],
    settings: WorkerSettings,
    stop: asyncio.Event,
    *,
    version: str,
    own: Sequence[str] = (),
) -> None:
    """Run workers in this process until ``stop`` is set, then end their batches and leave their groups.

    ``own`` is what people call those among them that are not built in.

    Raises:
        TopicsError: topics are missing, or have another number of partitions.
        AssignmentError, StateError: see `Member.run`.
        KafkaError: Kafka cannot be reached at the start, or refuses for good.
    """
    all_topics = distinct(topic for worker in workers for topic in worker.topics(settings))
    if not await _done_before(stop, topics.check(settings, all_topics, own=own)):
        return
    common = shared(workers, settings)
    members = [Member(worker, settings, version, common) for worker in workers]
    vitals = Vitals(workers, members, settings)
    for worker in workers:
        metrics.START_TIME_SECONDS.labels(worker.name).set_to_current_time()
    async with contextlib.AsyncExitStack() as stack:
        if settings.health_port is not None:
            port = await stack.enter_async_context(
                health.serve(
                    settings.health_host, settings.health_port, alive=vitals.alive, ready=vitals.ready
                )
            )
            logger().info("health checks", url=f"http://{settings.health_host}:{port}/readyz")
        watching = [asyncio.create_task(common.watch.run()), asyncio.create_task(vitals.run())]
        tasks = [asyncio.create_task(member.run()) for member in members]
        stopping = asyncio.create_task(stop.wait())
        try:
            ends = [*tasks, *watching, stopping]  # who watches only ends by an error
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, stopping, *watching):  # a function that does not return is not waited for
                task.cancel()
            patience_seconds = settings.stop_timeout_seconds + GOODBYE_SECONDS
            _, late = await asyncio.wait([*tasks, stopping], timeout=patience_seconds)
            if late:
                logger().warning("ending without a goodbye to Kafka", after_s=patience_seconds)
        for task in done - {stopping}:
            task.result()


async def _done_before(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do something that may take as long as Kafka is slow, unless it is time to stop before; whether it was done."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        done = working.done()
        working.cancel()
        stopping.cancel()
        await asyncio.wait([working, stopping])
    if done:
        working.result()
    return done

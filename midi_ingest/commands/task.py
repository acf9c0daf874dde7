"""`midi-ingest task`: one task's way through the topics."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from broker import topics
from midi_ingest import errand
from midi_ingest.cli import fail
from midi_ingest.errand import OutputFormat
from midi_ingest.journey.journey import Journey
from midi_ingest.journey.read import follow
from midi_ingest.moments import Moment, written
from midi_ingest.scan import reading
from midi_ingest.settings import Settings
from midi_ingest.terminal import console, print_json, table, visible
from schemas.headers import timestamp
from schemas.topics import shared

LOOKS_BACK: Final = timedelta(days=2)


def task(
    task_id: Annotated[str, Parameter(name="ID")],
    /,
    *,
    since: Moment | None = None,
    output: OutputFormat = "table",
    timeout: Annotated[float, Parameter(validator=Number(gt=0))] = 60,
) -> int:
    """Show one task's way through the topics with times, and what it waits for.

    Only the one partition of each topic is read that can hold the task.

    Args:
        task_id: the task's id.
        since: look at what was written from this moment on: 2026-11-25T10:00Z, or an age such as 30d. By default 2d.
        output: a table, or one JSON document.
        timeout: how many seconds reading may take; then what was read is shown, and the exit code is 1.
    """

    async def work(settings: Settings) -> int:
        start = since or datetime.now(UTC) - LOOKS_BACK
        await topics.check(settings, shared())
        async with reading(settings, timeout) as reader:
            journey = await follow(settings, reader, task_id, start)
        if output == "json":
            print_json(_document(task_id, start, journey, complete=not reader.partial))
        elif journey.events:
            _print(journey)
        if reader.partial:
            return errand.partly(timeout)
        if not journey.events:
            return fail(
                f"nothing is known of {task_id!r} since {timestamp(start)}; --since 30d looks further back"
            )
        return 0

    return errand.run("task", work)


def _print(journey: Journey) -> None:
    rows = table("at", "topic", "offset", "what")
    for event in journey.events:
        rows.add_row(
            written(event.timestamp_ms), event.topic, f"{event.partition}:{event.offset}", visible(event.what)
        )
    console().print(rows)
    print(*journey.sentences(int(time.time() * 1000)), sep="\n")


def _document(task_id: str, since: datetime, journey: Journey, *, complete: bool) -> dict[str, object]:
    return {
        "task_id": task_id,
        "since": timestamp(since),
        "complete": complete,
        "state": journey.state,
        "waiting": [wait.document() for wait in journey.waits],
        "events": [event.document() for event in journey.events],
    }

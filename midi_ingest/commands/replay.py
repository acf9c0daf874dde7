"""`midi-ingest replay`: run stored tasks again, past the deduplication."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from broker import topics
from midi_ingest import errand
from midi_ingest.cli import fail
from midi_ingest.errand import OutputFormat, Usage
from midi_ingest.moments import Moment
from midi_ingest.process import Stopped
from midi_ingest.replays.replay import Limits, find
from midi_ingest.replays.replay import replay as run_again
from midi_ingest.replays.report import Report
from midi_ingest.replays.stored import Range, replayable, topics_of
from midi_ingest.scan import reading
from midi_ingest.settings import Settings
from midi_ingest.workers import own

Flag = Annotated[bool, Parameter(negative="", show_default=False)]


def replay(
    *,
    from_: Annotated[Moment | None, Parameter(name="--from")] = None,
    to: Moment | None = None,
    task: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    only: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    rate: Annotated[float, Parameter(validator=Number(gt=0))] = 20,
    max_lag: Annotated[int, Parameter(validator=Number(gte=1))] = 100,
    yes: Flag = False,
    output: OutputFormat = "table",
    timeout: Annotated[float, Parameter(validator=Number(gt=0))] = 300,
) -> int:
    """Run stored tasks again, past the deduplication; without --yes, only say which.

    What a worker reads is copied to its topic for records that operators send, `retry.<worker>.now`, and marked
    `midi-origin: replay`; of each task the newest record in the range. What follows from it is written anew: files
    are replaced, and each task has its outcome `complete` once more. Live traffic goes first.

    Args:
        from_: from this moment on, by when Kafka got the record: 2026-11-25T10:00Z, or an age such as 2h.
        to: before this moment; without it, up to now.
        task: only this task; may be repeated.
        only: run the records of this worker: normalize (the default), render, store, or your own as
            path/to/file.py:name; may be repeated.
        rate: at most so many records a second.
        max_lag: wait while a worker is more than so many records behind.
        yes: do it.
        output: a table, or one JSON document.
        timeout: how many seconds reading may take before anything is sent, and waiting for a worker that is behind.
    """

    async def work(settings: Settings) -> int:
        if from_ is None and not task:
            raise Usage("Say which tasks: --from and --to, or --task.")
        workers = [replayable(reference) for reference in dict.fromkeys(only or ("normalize",))]
        await topics.check(settings, topics_of(workers), own=own(only))
        meant = Range(from_, to or datetime.now(UTC), frozenset(task))
        async with reading(settings, timeout) as reader:
            found = await find(settings, reader, workers, meant)
            if yes and reader.partial:
                raise Stopped(
                    f"Nothing was replayed: reading took more than {timeout:g} s. Allow more with --timeout."
                )
            limits = Limits(rate, max_lag, timeout)
            done = await run_again(settings, reader, workers, found, limits) if yes else None
        Report(found, done, rate, complete=not reader.partial).show(as_document=output == "json")
        if reader.partial:
            return errand.partly(timeout)
        missing = set(task) - {item.task for item in found}
        return fail(f"nothing is stored of {', '.join(sorted(missing))} in this range") if missing else 0

    return errand.run("replay", work)

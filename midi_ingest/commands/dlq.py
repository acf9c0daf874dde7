"""`midi-ingest dlq`: the dead letters, as a person handles them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Final

from aiokafka.errors import KafkaError
from cyclopts import App, Parameter
from cyclopts.validators import Number

from broker import topics
from midi_ingest import errand
from midi_ingest.cli import FAILED
from midi_ingest.dead_letters import display, listing, reports
from midi_ingest.dead_letters.box import Box, open_box
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.dead_letters.marks import TRANSACTIONS
from midi_ingest.dead_letters.purge import delete, hide, prefixes
from midi_ingest.dead_letters.redrive import Plan, plan, send_again
from midi_ingest.dead_letters.routes import Routes
from midi_ingest.dead_letters.selection import (
    EVERY_LETTER,
    Scope,
    Selection,
    oldest,
    require,
    scope,
    strangers,
)
from midi_ingest.dead_letters.waiting import waiting
from midi_ingest.errand import OutputFormat
from midi_ingest.pace import Pace
from midi_ingest.process import Stopped
from midi_ingest.scan import Reader, partitions_of, reading
from midi_ingest.settings import Settings
from midi_ingest.terminal import print_json
from midi_ingest.transactions import Transactions, transactions
from schemas.dead_letter import DeadLetterStatus
from schemas.topics import DEAD_LETTER

Timeout = Annotated[float, Parameter(validator=Number(gt=0), show_default=True)]
Rate = Annotated[float, Parameter(validator=Number(gt=0))]
Limit = Annotated[int, Parameter(validator=Number(gte=1))]
Ids = Annotated[str, Parameter(name="ID")]

TOPICS: Final = (DEAD_LETTER, DeadLetterStatus.topic)

dlq = App(
    name="dlq",
    help="List, show, redrive or purge dead letters: the records that a worker could not handle.",
    help_epilogue="""A letter's id is where it lies in the dead-letter topic: partition:offset. Exit codes: 0; 1 if
something failed or not all was read within --timeout; 2 for wrong usage. docs/dead-letters.md is the guide.

Examples:

    midi-ingest dlq list                                  # what there is, by reason and worker
    midi-ingest dlq list --each --worker normalize --since 2h
    midi-ingest dlq show 3:1042
    midi-ingest dlq redrive --reason unexpected-error     # what it would do; --yes does it
    midi-ingest dlq purge --reason provider-failed --until 30d --yes""",
    default_parameter=Parameter(negative="", show_default=False),
)


@dlq.command(
    name="list",
    help_epilogue="""Examples:

    midi-ingest dlq list
    midi-ingest dlq list --each --limit 20                # the newest 20, with their ids
    midi-ingest dlq list --all --task '5c79****be8e'        # also those that were handled
    midi-ingest dlq list --since 2026-11-25T10:00Z --output json""",
)
def list_(
    *,
    selection: Selection = EVERY_LETTER,
    handled: Annotated[bool, Parameter(name="--all")] = False,
    each: bool = False,
    limit: Limit | None = None,
    output: OutputFormat = "table",
    timeout: Timeout = 60,
) -> int:
    """Show what dead letters there are: by reason and worker, faults of the system apart from what was foreseen.

    Args:
        handled: also those that were redriven, purged or resolved.
        each: each letter with its id, the newest last.
        limit: with --each, only the newest so many.
        output: a table, or one JSON document.
        timeout: how many seconds reading may take; then what was read is shown, and the exit code is 1.
    """

    async def work(settings: Settings) -> int:
        async with _box(settings, timeout) as (box, reader):
            every = [letter async for letter in box.letters(selection.since)]
            retries = await waiting(settings, reader)
        letters = [letter for letter in every if selection.takes(letter)]
        wanted = [letter for letter in letters if handled or letter.status == "open"]
        hidden, complete = len(letters) - len(wanted), not reader.partial
        as_document = output == "json"
        listing.show(
            wanted, hidden, retries, each=each, limit=limit, as_document=as_document, complete=complete
        )
        if every and complete and (told := strangers(selection, every)):
            print(f"midi-ingest: {told}", file=sys.stderr)
        return 0 if complete else errand.partly(timeout)

    return errand.run("dlq", work)


@dlq.command(
    help_epilogue="""Examples:

    midi-ingest dlq show 3:1042
    midi-ingest dlq show 3:1042 --output json
    midi-ingest dlq show 3:1042 --raw > body.json         # its bytes, as the worker got them""",
)
def show(
    letter_id: Ids, /, *, raw: bool = False, output: OutputFormat = "table", timeout: Timeout = 60
) -> int:
    """Show one dead letter: where it failed, why, how often, its headers and its value.

    Args:
        letter_id: its id, partition:offset, as `midi-ingest dlq list --each` shows it.
        raw: write its value to standard output, byte for byte, and nothing else.
        output: for people, or one JSON document.
        timeout: how many seconds reading may take.
    """

    async def work(settings: Settings) -> int:
        (wanted,) = scope([letter_id], EVERY_LETTER, everything=False).ids
        async with _box(settings, timeout) as (box, _):
            record = await box.record(wanted)
        letter = box.letter(record)
        status = box.statuses.get(letter.status_key)
        if raw:
            sys.stdout.buffer.write(record.value or b"")
        elif output == "json":
            print_json(display.document(letter, record, status))
        else:
            print("\n".join(display.lines(letter, record, status, cut=sys.stdout.isatty())))
        return 0

    return errand.run("dlq", work)


@dlq.command(
    help_epilogue="""Examples:

    midi-ingest dlq redrive 3:1042 5:77                   # what it would do
    midi-ingest dlq redrive 3:1042 5:77 --yes
    midi-ingest dlq redrive --worker normalize --since 2026-11-25T10:00Z --until 2026-11-25T12:00Z --yes
    midi-ingest dlq redrive --everything --rate 10 --yes""",
)
def redrive(
    *ids: Ids,
    selection: Selection = EVERY_LETTER,
    everything: bool = False,
    limit: Limit | None = None,
    rate: Rate | None = None,
    yes: bool = False,
    output: OutputFormat = "table",
    timeout: Timeout = 60,
) -> int:
    """Send dead letters again, each to where its reason says; without --yes, only say what would be done.

    It may be killed and run again: a letter is sent and marked at once, or neither.

    Args:
        ids: the letters' ids; or choose them with the options below.
        everything: all letters that are open.
        limit: only the oldest so many.
        rate: at most so many a second; without it, as fast as Kafka takes them.
        yes: do it.
        output: a table, or one JSON document.
        timeout: how many seconds reading may take before anything is sent.
    """

    async def work(settings: Settings) -> int:
        meant = scope(ids, selection, everything=everything)
        async with _writer(settings, yes=yes) as writer, _box(settings, timeout) as (box, reader):
            routes = Routes(settings.layout, await reader.topics(), settings.vendor)
            planned = await plan(box, routes, await _chosen(box, reader, meant, limit))
            done = await _redriven(box, routes, planned, writer, Pace(rate)) if writer else None
        complete = not reader.partial
        told = reports.Redrive(planned, done, complete=complete)
        told.show(as_document=output == "json")
        if not complete:
            return errand.partly(timeout)
        return FAILED if ids and planned.refused else 0

    return errand.run("dlq", work)


@dlq.command(
    help_epilogue="""Examples:

    midi-ingest dlq purge --reason provider-failed --until 30d      # what it would do
    midi-ingest dlq purge --reason provider-failed --until 30d --yes
    midi-ingest dlq purge 3:1042 --yes""",
)
def purge(
    *ids: Ids,
    selection: Selection = EVERY_LETTER,
    everything: bool = False,
    limit: Limit | None = None,
    yes: bool = False,
    output: OutputFormat = "table",
    timeout: Timeout = 60,
) -> int:
    """Throw dead letters away: hide them at once, and delete what Kafka can; without --yes, only say what.

    Kafka deletes only from a partition's beginning, up to the first letter that is still open; letters that were
    handled before go with it. What lies behind stays until its retention is over.

    Args:
        ids: the letters' ids; or choose them with the options below.
        everything: all letters that are open.
        limit: only the oldest so many.
        yes: do it.
        output: a table, or one JSON document.
        timeout: how many seconds reading may take before anything is purged.
    """

    async def work(settings: Settings) -> int:
        meant = scope(ids, selection, everything=everything)
        async with _writer(settings, yes=yes) as writer, _box(settings, timeout) as (box, reader):
            ends = await reader.ends(partitions_of(settings, DEAD_LETTER))
            letters = [letter async for letter in box.letters()]
            complete = not reader.partial
            if complete:
                require(meant, letters)
            purged = oldest([x for x in letters if x.status == "open" and meant.takes(x)], limit)
            deletable = prefixes(letters, purged, ends) if complete else {}
            if writer:
                await hide(purged, writer, settings.partitions)
                await delete(settings, deletable)
        told = reports.Purge(purged, deletable, dry_run=not yes, complete=complete)
        told.show(as_document=output == "json")
        return 0 if complete else errand.partly(timeout)

    return errand.run("dlq", work)


@contextlib.asynccontextmanager
async def _box(settings: Settings, timeout_seconds: float) -> AsyncIterator[tuple[Box, Reader]]:
    await topics.check(settings, TOPICS)
    async with reading(settings, timeout_seconds) as reader:
        yield await open_box(settings, reader), reader


@contextlib.asynccontextmanager
async def _writer(settings: Settings, *, yes: bool) -> AsyncIterator[Transactions | None]:
    """What marks letters; opened before anything is read, so that what is read is certain (see `transactions`)."""
    if not yes:
        yield None
        return
    await topics.check(settings, TOPICS)
    async with transactions(settings, TRANSACTIONS) as writer:
        yield writer


async def _chosen(box: Box, reader: Reader, meant: Scope, limit: int | None) -> list[Letter]:
    """The letters that are meant: of those named by id all, of a selection those that are open."""
    if meant.ids:
        return [box.letter(await box.record(letter_id)) for letter_id in meant.ids]
    letters = [letter async for letter in box.letters(meant.selection.since)]
    if not reader.partial:
        require(meant, letters)
    return oldest([x for x in letters if x.status == "open" and meant.takes(x)], limit)


async def _redriven(box: Box, routes: Routes, planned: Plan, writer: Transactions, pace: Pace) -> int:
    """Do what is planned; returns how many letters were sent."""
    done, letters = 0, [letter for letter, _ in planned.sent]
    try:
        async for number in send_again(box, routes, letters, writer, pace):
            done += number
    except (KafkaError, OSError, Stopped) as error:
        why = str(error) or "Kafka does not answer"
        raise Stopped(
            f"{done:,} of {len(letters):,} letters were redriven, then it was cut off: {why}. "
            "Run it again: it goes on with the rest."
        ) from error
    return done

"""`midi-ingest state`: what stateful workers remember."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from aiokafka.errors import KafkaError
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Column, Table

from broker import topics as broker_topics
from broker.topics import TopicsError
from midi_ingest.cli import FAILED, USAGE, fail, kafka_failed
from midi_ingest.settings import Settings, SettingsError, load
from midi_ingest.workers import UnknownWorker, find, own
from schemas.topics import changelog
from telemetry import logs
from workers.runtime import rebuild as runtime
from workers.runtime.api import Worker
from workers.runtime.state.errors import StateError, Unreadable, UnreadableRecords
from workers.runtime.state.status import StoreStatus
from workers.runtime.state.status import status as look

OutputFormat = Literal["table", "json"]

state = App(
    name="state",
    help="Show what stateful workers remember, and repair it.",
    help_epilogue="""Examples:

    midi-ingest state show                              # the stores in MIDI_INGEST_STATE_DIR
    midi-ingest state rebuild deduplicate               # fill this machine's stores from Kafka anew
    midi-ingest state rebuild deduplicate --partition 3
    midi-ingest state rebuild deduplicate --forget midi.deduplicate.changelog/3/4711         # what it would do
    midi-ingest state rebuild deduplicate --forget midi.deduplicate.changelog/3/4711 --yes""",
)


class WrongUse(ValueError):
    """An argument is wrong; the message says which and what is expected."""


@state.command
def show(*, output: OutputFormat = "table") -> int:
    """Show what each store in MIDI_INGEST_STATE_DIR holds, or of `midi-ingest up`, also while workers run.

    Args:
        output: a table, or JSON.
    """
    try:
        stores = look(_state_dir())
    except SettingsError as error:
        return fail(str(error), USAGE)
    except OSError as error:
        return fail(f"MIDI_INGEST_STATE_DIR cannot be read: {error}")
    _show(stores, output)
    return 0


@state.command
def rebuild(
    worker: str,
    /,
    *,
    partition: Annotated[tuple[int, ...], Parameter(validator=Number(gte=0), negative="")] = (),
    forget: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    yes: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Delete a worker's stores on this machine and fill them from its changelog; exits 1 if that cannot be read.

    A record of the changelog that cannot be read is listed. With --forget its key is forgotten, as if it had never
    been seen: a tombstone is written to the changelog. A running lane is interrupted by that, and opens anew.

    Args:
        worker: a stateful worker such as deduplicate or store; or your own as path/to/file.py:name.
        partition: only this partition; may be repeated.
        forget: TOPIC/PARTITION/OFFSET of a record that cannot be read; may be repeated. Only said unless --yes.
        yes: do what --forget says.
    """
    try:
        settings, found = _load(), find(worker)
        offsets = _offsets(forget, settings, found)
        partitions = _partitions(partition or offsets or range(settings.partitions), settings)
    except (SettingsError, UnknownWorker, WrongUse) as error:
        return fail(str(error), USAGE)
    logs.configure(settings, "state")
    if offsets:
        return _told(_forget(settings, found, worker, offsets, yes=yes), settings)
    return _told(_rebuild(settings, found, worker, partitions), settings)


def _load() -> Settings:
    """The settings; where none says where stores are, they are where `midi-ingest up` has them, if it has.

    Raises:
        SettingsError: a setting is wrong.
    """
    settings = load()
    folder = settings.local_state_dir
    return settings.model_copy(update={"state_dir": folder}) if folder.is_dir() else settings


def _state_dir() -> Path:
    settings = _load()
    if settings.state_dir is None:
        raise SettingsError(
            f"MIDI_INGEST_STATE_DIR is not set, and there is no {settings.local_state_dir}, as `midi-ingest up` makes "
            "it: workers fill temporary stores from Kafka when they start."
        )
    return settings.state_dir


async def _rebuild(settings: Settings, worker: Worker, reference: str, partitions: Iterable[int]) -> int:
    await broker_topics.check(settings, [changelog(worker.name, settings.dedup_window)], own=own([reference]))
    code = 0
    for partition in partitions:
        try:
            keys = await runtime.rebuild(settings, worker, partition)
            print(f"partition {partition}: {keys:,} {'key' if keys == 1 else 'keys'}")
        except UnreadableRecords as error:
            for record in error.records:
                print(f"partition {partition}: {_described(record)}")
            code = FAILED
    if code:
        fail(
            "These records are in the way. If a newer version of the worker wrote them, run that. To have their keys "
            f"forgotten: midi-ingest state rebuild {reference} --forget TOPIC/PARTITION/OFFSET"
        )
    return code


async def _forget(
    settings: Settings, worker: Worker, reference: str, offsets: Mapping[int, Sequence[int]], *, yes: bool
) -> int:
    await broker_topics.check(settings, [changelog(worker.name, settings.dedup_window)], own=own([reference]))
    for partition, chosen in offsets.items():
        if yes:
            records = await runtime.forget(settings, worker, partition, chosen)
        else:
            records = runtime.choose(await runtime.unreadable(settings, worker, partition), chosen)
        for record in records:
            print(f"{'forgotten' if yes else 'would be forgotten'}: {_described(record)}")
    if not yes:
        print("Nothing was changed: with --yes it is done.")
        return 0
    return await _rebuild(settings, worker, reference, offsets)


def _told(work: Coroutine[Any, Any, int], settings: Settings) -> int:
    """Do it; what goes wrong is said."""
    try:
        return asyncio.run(work)
    except (TopicsError, StateError) as error:
        return fail(str(error))
    except KafkaError as error:
        return kafka_failed(settings.kafka_bootstrap_servers, error)
    except OSError as error:  # a TimeoutError is one
        return fail(
            f"Kafka at {settings.kafka_bootstrap_servers} does not answer, or the disk failed: {error}"
        )


def _offsets(positions: Sequence[str], settings: Settings, worker: Worker) -> dict[int, list[int]]:
    """The offsets by partition.

    Raises:
        WrongUse: the worker has no state, or a position is none of its changelog.
    """
    if not worker.state_type:
        raise WrongUse(f"{worker.name} remembers nothing.")
    name = settings.layout.name(changelog(worker.name, settings.dedup_window))
    offsets = defaultdict(list)
    for position in positions:
        topic, _, numbers = position.partition("/")
        partition, _, offset = numbers.partition("/")
        if topic != name or not partition.isdecimal() or not offset.isdecimal():
            raise WrongUse(f"--forget {position}: expected {name}/PARTITION/OFFSET.")
        offsets[int(partition)].append(int(offset))
    return dict(offsets)


def _partitions(wanted: Iterable[int], settings: Settings) -> list[int]:
    chosen = sorted(set(wanted))
    if chosen[-1] >= settings.partitions:
        raise WrongUse(
            f"There is no partition {chosen[-1]}: the topics have {settings.partitions}, from 0 on."
        )
    return chosen


def _described(record: Unreadable) -> str:
    return f"{record.position}, key {record.key!r}: {record.why}"


def _show(stores: Sequence[StoreStatus], output: OutputFormat) -> None:
    if output == "json":
        told = [asdict(store) | {"as_of": store.as_of and store.as_of.isoformat()} for store in stores]
        print(json.dumps(told, indent=2))
        return
    if not stores:
        print("There are no stores.")
        return
    table = Table(Column("file", no_wrap=True), "in use", "keys", "bytes", "complete to offset", "as of")
    for store in stores:
        if store.error:
            table.add_row(store.file, "yes" if store.held else "no", store.error)
            continue
        position = "" if store.position is None else f"{store.position:,}"
        as_of = store.as_of.isoformat(" ", "seconds") if store.as_of else "being filled"
        held = "yes" if store.held else "no"
        table.add_row(store.file, held, f"{store.keys:,}", f"{store.bytes:,}", position, as_of)
    Console().print(table)

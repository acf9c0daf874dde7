"""`midi-ingest spool`: the callbacks that wait on this machine's disk for Kafka."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

from cyclopts import App
from rich.console import Console
from rich.table import Column, Table

from ingest.limits import Budgets
from ingest.publishing.publisher import publishing
from ingest.spool.drain import Drain, drain_left
from ingest.spool.status import FileStatus
from ingest.spool.status import status as look
from midi_ingest.cli import USAGE, fail
from midi_ingest.settings import Settings, SettingsError, load
from telemetry import logs

OutputFormat = Literal["table", "json"]

PATIENCE_SECONDS: Final = 15.0
"""Kafka counts as away when it has taken nothing for so long."""

spool = App(
    name="spool",
    help="Show the callbacks that wait on this machine's disk for Kafka, or publish them.",
    help_epilogue="""Examples:

    midi-ingest spool status
    MIDI_INGEST_SPOOL_DIR=/var/lib/midi-ingest/spool midi-ingest spool status --output json
    midi-ingest spool drain            # publish what no running ingress holds""",
)


@spool.command
def status(*, output: OutputFormat = "table") -> int:
    """Show the spool's files and what each holds, also while the ingress runs.

    They are in MIDI_INGEST_SPOOL_DIR or, where that is unset, in `spool` below MIDI_INGEST_DATA_DIR, as with `up`.

    Args:
        output: a table, or JSON.
    """
    try:
        _, folder = _load()
        _show(folder, look(folder), output)
    except SettingsError as error:
        return fail(str(error), USAGE)
    except OSError as error:
        return fail(f"The spool cannot be read: {error}. MIDI_INGEST_SPOOL_DIR says where it is.")
    return 0


@spool.command
def drain() -> int:
    """Publish what is in files that no running process holds, and remove them; exits 1 if something is left."""
    try:
        settings, folder = _load()
    except SettingsError as error:
        return fail(str(error), USAGE)
    logs.configure(settings, "spool")
    try:
        sent, trouble = asyncio.run(_drain(settings, folder))
        left = [reason for file in look(folder) if (reason := _reason(file, trouble))]
    except OSError as error:
        return fail(f"The spool cannot be used: {error}. MIDI_INGEST_SPOOL_DIR says where it is.")
    print(f"{_records(sent)} published from {folder}.")
    if not left:
        return 0
    where = f"Left in {folder}, for Kafka at {settings.kafka_bootstrap_servers}:"
    return fail("\n".join([where, *left]))


def _load() -> tuple[Settings, Path]:
    """The settings, and where the spool is: without a setting, where `midi-ingest up` has it.

    Raises:
        SettingsError: a setting is wrong, or none says where the spool is.
    """
    settings = load()
    folder = settings.local_spool_dir
    if settings.spool_dir is None and not folder.is_dir():
        raise SettingsError(
            f"MIDI_INGEST_SPOOL_DIR is not set, and there is no {folder}, as `midi-ingest up` makes it: set it to the "
            "directory of the ingress' spool."
        )
    return settings, folder


async def _drain(settings: Settings, folder: Path) -> tuple[int, str]:
    """Drain what is left there; connects to Kafka only if something is.

    Returns how many records Kafka took, and why it took nothing at the end, if so.
    """
    if not any(not file.held for file in look(folder)):
        return 0, ""
    budgets = Budgets.of(settings.max_in_flight_bytes)
    async with publishing(settings, budgets, on_failure=lambda: None) as publisher:
        draining = Drain(publisher.publish_all, lambda: publisher.ready)
        await drain_left(folder, draining, patience_seconds=PATIENCE_SECONDS)
        return draining.sent, publisher.trouble


def _reason(file: FileStatus, trouble: str) -> str | None:
    """Why a file is still there; None if it holds nothing."""
    if file.error:
        return f"{file.name}: {file.error}"
    if not file.records:
        return None
    why = "A running process holds it and publishes it itself." if file.held else trouble
    return f"{file.name}: {_records(file.records)}. {why or 'They were kept back; the log above says why.'}"


def _records(count: int) -> str:
    return f"{count} {'record' if count == 1 else 'records'}"


def _show(folder: Path, files: Sequence[FileStatus], output: OutputFormat) -> None:
    if output == "json":
        told = [asdict(file) | {"oldest": file.oldest and file.oldest.isoformat()} for file in files]
        print(json.dumps(told, indent=2))
        return
    if not files:
        print(f"The spool in {folder} is empty.")
        return
    print(f"The spool in {folder}; a running process publishes what it holds itself:")
    table = Table(Column("file", no_wrap=True), "held", "records", "bytes", "oldest (UTC)")
    for file in files:
        oldest = f"{file.oldest:%Y-%m-%d %H:%M:%S}" if file.oldest else ""
        counts = (file.error, "") if file.error else (str(file.records), str(file.bytes))
        table.add_row(file.name, "yes" if file.held else "no", *counts, oldest)
    Console().print(table)

"""`midi-ingest topics`: Kafka's topics as they should be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from aiokafka.errors import KafkaError
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table

from broker import topics as broker_topics
from broker.settings import KafkaSettings
from broker.topics import Drift, TopicsError
from midi_ingest.acls import DEFAULT_PRINCIPAL, Roles, commands
from midi_ingest.cli import FAILED, USAGE, fail, kafka_failed
from midi_ingest.records import NoSuchTopic, as_json, as_line
from midi_ingest.records import read as read_records
from midi_ingest.settings import Settings, SettingsError, load
from midi_ingest.workers import UnknownWorker, find, find_all
from schemas.message import Topic
from schemas.topics import distinct, shared
from telemetry import logs
from workers.catalogue import BUILT_IN

OutputFormat = Literal["table", "json"]
Operation = Callable[[KafkaSettings, Sequence[Topic]], Coroutine[None, None, list[Drift]]]

topics = App(
    name="topics",
    help="Create, compare or read Kafka's topics; say who needs which rights.",
    help_epilogue="""Examples:

    midi-ingest topics apply
    midi-ingest topics apply --worker my_worker.py:loudest   # those of your own worker too
    midi-ingest topics diff --output json
    midi-ingest topics read outcomes --follow
    midi-ingest topics acls                                  # the commands that give each role its rights""",
)


@topics.command
def apply(*, worker: tuple[str, ...] = (), output: OutputFormat = "table") -> int:
    """Create the topics that are missing and set what differs; says what was changed.

    Args:
        worker: a worker of your own, path/to/file.py:name, whose topics are wanted too; may be repeated.
        output: a table, or JSON.
    """
    return _with_topics(broker_topics.apply, worker, output, "All topics are as they should be.", 0)


@topics.command
def diff(*, worker: tuple[str, ...] = (), output: OutputFormat = "table") -> int:
    """Show how the topics differ from what they should be; exits 1 if they do.

    Args:
        worker: a worker of your own, path/to/file.py:name, whose topics are wanted too; may be repeated.
        output: a table, or JSON.
    """
    return _with_topics(broker_topics.diff, worker, output, "No difference.", FAILED)


@topics.command(
    help_epilogue="""Examples:

    midi-ingest topics read outcomes
    midi-ingest topics read midi.loudest --key my-song --follow
    midi-ingest topics read dead-letter --limit 10 --output json"""
)
def read(
    topic: str,
    /,
    *,
    key: str | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    follow: Annotated[bool, Parameter(negative="")] = False,
    output: Literal["text", "json"] = "text",
) -> int:
    """Print the committed records of a topic: key and value, those of each partition oldest first.

    Args:
        topic: its name, with or without the prefix.
        key: only records with this key.
        limit: stop after so many records.
        follow: go on with what comes, until Ctrl-C.
        output: a line of text a record, or a line of JSON with its headers and position.
    """
    try:
        settings = load()
    except SettingsError as error:
        return fail(str(error), USAGE)
    logs.configure(settings, "topics")

    async def show() -> None:
        shown = 0
        async with contextlib.aclosing(read_records(settings, topic, follow=follow)) as records:
            async for record in records:
                if key is None or record.key == key.encode():
                    print(as_json(record) if output == "json" else as_line(record), flush=follow)
                    shown += 1
                if shown == limit:
                    return

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(show())
    except NoSuchTopic as error:
        return fail(str(error))
    except BrokenPipeError:
        raise  # who read our output has gone: `midi_ingest.cli.main` knows what to do
    except (KafkaError, OSError) as error:
        return kafka_failed(settings.kafka_bootstrap_servers, error)
    return 0


@topics.command(
    help_epilogue="""Roles are the ingress (`ingest`), each worker by its name, `topics` for who runs `topics apply`,
and `operator` for `dlq`, `replay`, `task` and `topics read`. docs/security.md tells more.

Examples:

    midi-ingest topics acls                                  # User:midi-ingest, User:midi-normalize, …
    midi-ingest topics acls --role normalize --role render
    midi-ingest topics acls --principal 'User:CN={role},O=Example'   # those of certificates
    midi-ingest topics acls --role operator --principal User:anna
    midi-ingest topics acls --worker my_worker.py:loudest    # with a worker of your own
    midi-ingest topics acls --output json"""
)
def acls(
    *,
    role: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    principal: str = DEFAULT_PRINCIPAL,
    worker: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    output: Literal["text", "json"] = "text",
) -> int:
    """Print the commands of Kafka's `kafka-acls.sh` that allow each role what it needs, and nothing else.

    Asks Kafka nothing. Who runs the commands says in admin.properties how to reach it as an administrator.

    Args:
        role: only this role; may be repeated.
        principal: who a role is to Kafka; {role} stands for its name.
        worker: a worker of your own, path/to/file.py:name, that is a role, too; may be repeated.
        output: commands, or JSON with one element for each ACL.
    """
    try:
        settings = load()
        roles = Roles(settings, [*BUILT_IN.values(), *find_all(worker)])
    except (SettingsError, UnknownWorker) as error:
        return fail(str(error), USAGE)
    if unknown := [name for name in role if name not in roles.names]:
        return fail(f"There is no role {unknown[0]!r}. There are {', '.join(roles.names)}.", USAGE)
    # A broker's own builder of principals may know other kinds; Kafka's is spelt like this only.
    if not re.fullmatch(r"(?!(?i:user):)\w+:\S.*|User:\S.*", principal):
        return fail(f"--principal {principal!r}: expected its kind and its name, such as User:anna.", USAGE)
    found = {name: roles.acls(name, principal) for name in role or roles.names}
    if output == "json":
        print(json.dumps([{"role": name, **asdict(acl)} for name in found for acl in found[name]], indent=2))
    else:
        for name, allowed in found.items():
            print(f"# {name}", *commands(allowed, settings.kafka_bootstrap_servers), sep="\n")
    return 0


def wanted(settings: Settings, references: Sequence[str] = ()) -> list[Topic]:
    """All topics of an installation with the built-in workers and some others.

    Raises:
        UnknownWorker: one of the references names no worker.
    """
    workers = [*BUILT_IN.values(), *map(find, references)]
    return list(distinct([*shared(), *(topic for w in workers for topic in w.topics(settings))]))


def _with_topics(
    operation: Operation, references: Sequence[str], output: OutputFormat, nothing: str, found: int
) -> int:
    try:
        settings = load()
        topics = wanted(settings, references)
    except (SettingsError, UnknownWorker) as error:
        return fail(str(error), USAGE)
    logs.configure(settings, "topics")
    try:
        drifts = asyncio.run(operation(settings, topics))
    except TopicsError as error:
        return fail(str(error))
    except (KafkaError, OSError) as error:
        return kafka_failed(settings.kafka_bootstrap_servers, error)
    _show(drifts, output, nothing)
    return found if drifts else 0


def _show(drifts: Sequence[Drift], output: OutputFormat, nothing: str) -> None:
    if output == "json":
        print(json.dumps([asdict(drift) for drift in drifts], indent=2))
        return
    if not drifts:
        print(nothing)
        return
    table = Table("topic", "setting", "should be", "was")
    for drift in drifts:
        table.add_row(drift.topic, drift.setting, drift.expected, drift.actual or "(no such topic)")
    Console().print(table)

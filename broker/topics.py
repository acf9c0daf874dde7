"""Topics as they should be against topics as they are: create, compare, check."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from broker import clients
from broker.refusals import WHO_NEEDS_WHAT, denial
from broker.settings import KafkaSettings
from schemas.message import Topic
from schemas.topics import Layout

_DYNAMIC_TOPIC_CONFIG: Final = 1
"""The source of a configuration value that was set on the topic itself (KIP-226)."""


_KNOWN_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05


class TopicsError(RuntimeError):
    """Topics are missing or not as they must be, or Kafka refused to make them so; the message names them."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: ``actual`` is None where the topic does not exist."""

    topic: str
    setting: str
    expected: str
    actual: str | None


async def diff(settings: KafkaSettings, topics: Sequence[Topic]) -> list[Drift]:
    """How the topics in Kafka differ from what they should be; replication is left to the operator.

    Raises:
        TopicsError: Kafka shows this user not all of them.
        KafkaError: Kafka cannot be reached.
    """
    async with _admin(settings) as admin:
        drifts = await _drifts(admin, settings.layout, topics)
        await _refuse_hidden(admin, [drift.topic for drift in drifts if drift.actual is None])
        return drifts


async def apply(settings: KafkaSettings, topics: Sequence[Topic]) -> list[Drift]:
    """Create what is missing and set what has drifted; returns what was changed.

    Raises:
        TopicsError: a topic has another number of partitions, which cannot be changed without moving keys
            to other partitions; or Kafka refused a change.
        KafkaError: Kafka cannot be reached.
    """
    layout = settings.layout
    async with _admin(settings) as admin:
        drifts = await _drifts(admin, layout, topics)
        _refuse_other_partition_counts(drifts)
        drifted = {drift.topic: drift for drift in drifts}
        missing = [t for t in topics if (d := drifted.get(layout.name(t))) and d.actual is None]
        changed = [t for t in topics if layout.name(t) in drifted and t not in missing]
        await _create(admin, layout, missing)
        await _until_known(admin, {layout.name(topic) for topic in missing})
        await _set_configs(admin, layout, changed)
        return drifts


async def check(settings: KafkaSettings, topics: Sequence[Topic], *, own: Sequence[str] = ()) -> None:
    """Make sure that the topics exist, all with the configured number of partitions.

    ``own`` are the workers whose topics are made only if `topics apply` is told of them, by what people call these.

    Raises:
        TopicsError: a topic is missing or has another number of partitions.
        KafkaError: Kafka cannot be reached.
    """
    names = [settings.layout.name(topic) for topic in topics]
    async with _admin(settings) as admin:
        partitions = await _partition_counts(admin)
        missing = [name for name in names if name not in partitions]
        await _refuse_hidden(admin, missing)
    if missing:
        raise TopicsError(
            f"Missing topics: {', '.join(missing)}. Create them with `{_apply_command(own)}`, or set "
            "MIDI_INGEST_TOPIC_PREFIX to the prefix they have."
        )
    _refuse_other_partition_counts(
        Drift(name, "partitions", str(settings.partitions), str(partitions[name]))
        for name in names
        if partitions[name] != settings.partitions
    )


async def partition_counts(settings: KafkaSettings) -> dict[str, int]:
    """How many partitions each topic in Kafka has, by its full name.

    Raises:
        KafkaError: Kafka cannot be reached.
    """
    async with _admin(settings) as admin:
        return await _partition_counts(admin)


def _apply_command(own: Sequence[str]) -> str:
    """What creates the topics, as one would type it."""
    return shlex.join(
        ["midi-ingest", "topics", "apply", *(word for name in own for word in ("--worker", name))]
    )


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = clients.admin(settings)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def _refuse_other_partition_counts(drifts: Iterable[Drift]) -> None:
    if wrong := [d for d in drifts if d.setting == "partitions" and d.actual is not None]:
        raise TopicsError(
            f"Partition counts differ from MIDI_INGEST_PARTITIONS={wrong[0].expected}: "
            + ", ".join(f"{d.topic} has {d.actual}" for d in wrong)
            + ". Partition p of every topic must hold the same tasks: set MIDI_INGEST_PARTITIONS to what the "
            "topics have, or use another MIDI_INGEST_TOPIC_PREFIX."
        )


async def _drifts(admin: AIOKafkaAdminClient, layout: Layout, topics: Sequence[Topic]) -> list[Drift]:
    partitions = await _partition_counts(admin)
    configs = await _configs(admin, [name for t in topics if (name := layout.name(t)) in partitions])
    drifts: list[Drift] = []
    for topic in topics:
        name = layout.name(topic)
        if name not in partitions:
            drifts.append(Drift(name, "partitions", str(layout.partitions), None))
            continue
        expected = {"partitions": str(layout.partitions), **layout.config(topic)}
        actual = {"partitions": str(partitions[name])} | {k: str(v) for k, (v, _) in configs[name].items()}
        drifts += [Drift(name, k, v, actual.get(k, "")) for k, v in expected.items() if actual.get(k) != v]
    return drifts


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Every topic's number of partitions; asked for by name, a broker might create what is missing."""
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _refuse_hidden(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Raise for topics that this user may not see, whether they exist or not."""
    if not names:
        return
    request = MetadataRequest(list(names), allow_auto_topic_creation=False)
    response = await admin._send_request(request)  # noqa: SLF001 - its own question would have them created
    denied = {name for code, name, *_ in response.topics if code == TopicAuthorizationFailedError.errno}
    if hidden := [name for name in names if name in denied]:
        raise TopicsError(f"Kafka shows this user no topics {', '.join(hidden)}: {WHO_NEEDS_WHAT}")


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, tuple[Any, int]]]:
    """Each topic's configuration: setting to value and where the value comes from."""
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, tuple[Any, int]]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            _raise_for(code, name, message)
            configs[name] = {entry[0]: (entry[1], entry[3]) for entry in entries}
    return configs


async def _create(admin: AIOKafkaAdminClient, layout: Layout, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    response = await admin.create_topics([_new_topic(layout, topic) for topic in topics])
    for name, code, message in response.topic_errors:
        if code != TopicAlreadyExistsError.errno:  # somebody else created it meanwhile
            _raise_for(code, name, message)


async def _until_known(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """Wait until the broker tells its clients of new topics: it learns of them after the controller does."""
    async with asyncio.timeout(_KNOWN_SECONDS):
        while not names <= (await _partition_counts(admin)).keys():
            await asyncio.sleep(_POLL_SECONDS)


def _new_topic(layout: Layout, topic: Topic) -> NewTopic:
    return NewTopic(
        layout.name(topic),
        layout.partitions,
        layout.replication_factor,
        # aiokafka takes -1, the brokers' default, only beside an assignment, which may be empty
        replica_assignments={} if layout.replication_factor == -1 else None,
        topic_configs=layout.config(topic),
    )


async def _set_configs(admin: AIOKafkaAdminClient, layout: Layout, topics: Sequence[Topic]) -> None:
    """Set our configuration and keep what else was set on the topics, since Kafka replaces it as a whole."""
    if not topics:
        return
    current = await _configs(admin, [layout.name(topic) for topic in topics])
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, _set_on_topic(current[name]) | layout.config(topic))
        for topic in topics
        if (name := layout.name(topic))
    ]
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            _raise_for(code, name, message)


def _set_on_topic(config: Mapping[str, tuple[Any, int]]) -> dict[str, str]:
    return {k: str(value) for k, (value, source) in config.items() if source == _DYNAMIC_TOPIC_CONFIG}


def _raise_for(code: int, name: str, message: str | None) -> None:
    error: type[KafkaError] = for_code(code)
    if told := denial(error(name)):
        raise TopicsError(f"Kafka refused: {told}")
    if code:
        raise TopicsError(f"Kafka refused {name}: {error.__name__}: {message or error.description}.")

"""A Kafka that wants to know who asks, and allows each role only what `midi-ingest topics acls` says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError

from broker import clients, security
from broker.refusals import denial
from midi_ingest import samples
from midi_ingest.acls import Acl
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus
from schemas.file import MidiFile
from schemas.message import Topic
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import DEAD_LETTER
from tests.in_process import command
from tests.installation import Installation, Process, environment, installed_apart, worker_process
from tests.secure_kafka import PLAIN_PASSWORD, PLAIN_USER, Asked, SecureKafka, secure_kafka
from tests.topics import eventually, make_settings, read_until, write

ROLES = (
    "ingest",
    "deduplicate",
    "normalize",
    "render",
    "store",
    "route-failures",
    "hesitant",
    "topics",
    "operator",
)
TOKEN = "a-token-of-sixteen"
HESITANT = """
from midi_ingest import Context, Retry, Score, worker

@worker("hesitant", reads=Score)
def hesitant(score: Score, context: Context) -> None:
    if context.attempt == 1:
        raise Retry("once more")
"""
"""A worker of a user's own that wants each of its records twice."""


@dataclass
class Cluster:
    """A secure Kafka with an installation's users, and settings for each of them."""

    kafka: SecureKafka
    base: Settings
    folder: Path
    own: str

    def settings(self, role: str) -> Settings:
        """Those of a role, which is known by SCRAM-SHA-512."""
        return self.known(kafka_sasl_username=f"midi-{role}", kafka_sasl_password=password(role))

    def known(self, **given: Any) -> Settings:
        """Settings for the listener with SASL_SSL, unless they say otherwise."""
        secure = {
            "kafka_bootstrap_servers": self.kafka.sasl_ssl,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            "kafka_ssl_ca_file": self.kafka.ca_file,
        }
        return Settings(**(self.base.model_dump() | secure | given))

    def environment(self, role: str) -> dict[str, str]:
        """What a process of a role finds in its environment, its password in a file."""
        settings, file = self.settings(role), self.folder / f"{role}.password"
        file.write_text(password(role) + "\n")
        given = {name: getattr(settings, field) for name, field in security.VARIABLES.items()}
        given |= {"KAFKA_SASL_PASSWORD": None, "KAFKA_SASL_PASSWORD_FILE": file}
        origin = {"MIDI_INGEST_ORIGIN": "url-token", "MIDI_INGEST_URL_TOKENS": TOKEN}
        return environment(settings) | origin | {name: str(value) for name, value in given.items() if value}

    async def let_topics_drift(self) -> None:
        """Have each topic without the configuration that it was made with."""
        names = [
            name for name in await self.kafka.admin.list_topics() if name.startswith(self.base.topic_prefix)
        ]
        await self.kafka.admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, {}) for name in names]
        )

    async def acls(self, *arguments: str) -> dict[str, list[Acl]]:
        """What the command says that each role needs."""
        code, output, errors = await command(
            self.base, "topics", "acls", "--worker", self.own, "--output", "json", *arguments
        )
        assert (code, errors) == (0, "")
        roles: dict[str, list[Acl]] = {}
        for told in json.loads(output):
            roles.setdefault(told.pop("role"), []).append(Acl(**told))
        return roles


def password(role: str) -> str:
    return f"swordfish-{role}"


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """One for this file, with all topics, made by the role that may; its start takes seconds."""
    folder = tmp_path_factory.mktemp("secure")
    own = folder / "hesitant.py"
    own.write_text(HESITANT)
    with pytest.MonkeyPatch.context() as patch:
        async with secure_kafka(folder, patch) as kafka:
            cluster = Cluster(kafka, make_settings(kafka.plain, folder), folder, f"{own}:hesitant")
            patch.setenv("MIDI_INGEST_RETRY_DELAYS", ",".join(cluster.base.retry_delays))
            patch.setenv("MIDI_INGEST_STATE_DIR", str(folder / "state of commands"))
            await kafka.add_users({f"midi-{role}": password(role) for role in ROLES})
            acls = await cluster.acls()
            assert set(acls) == set(ROLES)
            await kafka.allow(acl for role in ROLES for acl in acls[role])
            applied = await command(cluster.settings("topics"), "topics", "apply", "--worker", cluster.own)
            assert (applied[0], applied[2]) == (0, ""), applied
            yield cluster


@pytest.fixture(scope="module")
async def system(cluster: Cluster) -> AsyncIterator[Installation]:
    """Each part of an installation as a user of its own; what is seen of it, an operator sees."""
    async with installed_apart(
        cluster.settings("operator"), cluster.folder, cluster.environment
    ) as installation:
        hesitant = worker_process("hesitant", cluster.environment("hesitant"), cluster.folder)
        hesitant.arguments = ["worker", cluster.own]
        hesitant.start()
        try:
            await hesitant.ready()
            installation.url += f"/{TOKEN}"
            yield installation
        finally:
            hesitant.send_signal(15)
            await hesitant.ended()


async def test_all_roles_do_their_work_with_what_they_are_allowed_and_need_all_of_it(
    cluster: Cluster, system: Installation
) -> None:
    await songs_and_failures(cluster, system)
    await errands(cluster)
    asked = list(cluster.kafka.asked())
    assert [one for one in asked if not one.allowed] == []
    acls = await cluster.acls()
    superfluous = [acl for role in ROLES for acl in acls[role] if not any(needs(one, acl) for one in asked)]
    assert not superfluous, "\n".join(map(str, superfluous))


async def songs_and_failures(cluster: Cluster, system: Installation) -> None:
    """What a pipeline meets in its life: songs, failures of senders, letters of all workers, something quarantined."""
    assert await system.post(b"no callback") == 200
    await system.post(b'{"task_id":"late","code":500,"msg":"try again","data":null}')
    await system.outcomes("late")
    await system.post(samples.song("late", 5))
    assert [outcome.status for outcome in await system.outcomes("late", 2)] == ["failed", "complete"]
    many = b"[" + b",".join([b"{}"] * 1025) + b"]"
    await system.post(b'{"task_id":"large","code":200,"data":{"state":"complete","instruments":%s}}' % many)
    assert [outcome.reason for outcome in await system.outcomes("large")] == [reasons.TOO_LARGE]
    for topic in (Score.topic, Task.topic):
        await write(cluster.base, topic, ("other", b"garbage", {}))
    quarantined = {h.ERROR_REASON: reasons.QUARANTINED, h.ERROR_WORKER: "ingest"}
    await write(cluster.base, DEAD_LETTER, ("digest", samples.song("released", 5), quarantined))
    workers = {"ingest", "deduplicate", "normalize", "render", "store", "hesitant"}
    await read_until(
        system.settings, DEAD_LETTER, lambda seen: {s.headers[h.ERROR_WORKER] for s in seen} == workers
    )


async def errands(cluster: Cluster) -> None:
    """All commands that ask Kafka something, each as its role."""
    operator, topics = cluster.settings("operator"), cluster.settings("topics")
    letters = json.loads(await told(operator, "dlq", "list", "--each", "--output", "json"))["letters"]
    await told(operator, "dlq", "show", letters[0]["id"])
    await told(operator, "dlq", "redrive", "--everything", "--yes")
    await read_until(operator, Outcome.topic, lambda seen: "released" in {s.key for s in seen})
    await told(operator, "dlq", "purge", "--everything", "--yes")
    await told(operator, "replay", "--from", "1h", "--only", "normalize", "--yes")
    await told(operator, "task", "late")
    await told(operator, "topics", "read", "files")
    await cluster.let_topics_drift()
    await told(topics, "topics", "apply", "--worker", cluster.own)
    await told(topics, "topics", "diff", "--worker", cluster.own)
    await told(cluster.settings("deduplicate"), "state", "rebuild", "deduplicate", "--partition", "0")


def needs(asked: Asked, acl: Acl) -> bool:
    """Whether it was just this that was asked for, and not what another operation includes."""
    same = acl.name == "*" or (
        asked.name.startswith(acl.name) if acl.pattern == "prefixed" else asked.name == acl.name
    )
    kind = acl.resource.replace("-", "").upper()
    return same and (acl.principal, acl.operation.upper(), kind) == (
        asked.principal,
        asked.operation.replace("_", ""),
        asked.resource.replace("_", "").upper(),
    )


async def told(settings: Settings, *arguments: str) -> str:
    """What a command that succeeds prints."""
    code, output, errors = await command(settings, *arguments)
    assert (code, errors) == (0, ""), arguments
    return output

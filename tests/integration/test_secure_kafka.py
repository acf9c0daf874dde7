"""A Kafka that wants to know who asks, and allows each role only what `midi-ingest topics acls` says."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from broker import clients, security
from broker.embedded.ports import free_port
from broker.refusals import denial
from midi_ingest import samples
from midi_ingest.acls import Acl
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback, Task
from schemas.file import MidiFile
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
URL_END = "a-token-of-sixteen"
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
        ours = {
            "MIDI_INGEST_ORIGIN": "url-token",
            "MIDI_INGEST_URL_TOKENS": URL_END,
            "MIDI_INGEST_SPOOL_DIR": str(self.folder / "spool"),
        }
        return environment(settings) | ours | {name: str(value) for name, value in given.items() if value}

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
            await kafka.add_users({"stranger": password("stranger")})
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
            installation.url += f"/{URL_END}"
            yield installation
        finally:
            hesitant.send_signal(signal.SIGTERM)
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


DENIED = [
    ("ingest", "read", "callbacks"),
    ("ingest", "write", "scores"),
    ("ingest", "write", "dead-letter"),
    ("deduplicate", "write", "callbacks"),
    ("normalize", "write", "files"),
    ("normalize", "read", "callbacks"),
    ("render", "write", "outcomes"),
    ("render", "read", "tasks"),
    ("store", "write", "tasks"),
    ("route-failures", "read", "dead-letter"),
    ("hesitant", "write", "scores"),
    ("operator", "write", "outcomes"),
    ("operator", "write", "tasks"),
    ("topics", "read", "callbacks"),
    ("render", "join", "normalize"),
    ("operator", "join", "render"),
    ("render", "transact", "normalize-0"),
    ("operator", "transact", "store-0"),
]


@pytest.mark.parametrize(("role", "what", "name"), DENIED, ids=map(" ".join, DENIED))
async def test_a_role_is_denied_what_is_anothers(cluster: Cluster, role: str, what: str, name: str) -> None:
    full_name = cluster.base.topic_prefix + name
    with pytest.raises(KafkaError) as denied:
        await ATTEMPTS[what](cluster.settings(role), full_name)
    assert full_name in denial(denied.value)
    assert "midi-ingest topics acls" in denial(denied.value)


async def test_who_may_write_nothing_is_told_so(cluster: Cluster) -> None:
    with pytest.raises(KafkaError) as denied:
        await write_to(cluster.settings("topics"), cluster.base.layout.name(Callback.topic))
    assert denial(denied.value).startswith("this user may write no topic")


async def read_from(settings: Settings, topic: str) -> None:
    async with open_client(clients.reader(settings)) as reader:
        reader.assign([TopicPartition(topic, 0)])
        await reader.end_offsets([TopicPartition(topic, 0)])
        await reader.getone()


async def write_to(settings: Settings, topic: str) -> None:
    async with open_client(clients.producer(settings)) as producer:
        await producer.send_and_wait(topic, b"x", partition=0)


async def join(settings: Settings, group: str) -> None:
    async with open_client(clients.group_member(settings, group)) as member:
        member.subscribe([settings.layout.name(Score.topic)])
        await member.getmany(timeout_ms=20_000)


async def transact(settings: Settings, transactional_id: str) -> None:
    async with open_client(clients.producer(settings, transactional_id=transactional_id)):
        pass


ATTEMPTS = {"read": read_from, "write": write_to, "join": join, "transact": transact}


@asynccontextmanager
async def open_client(client: Any) -> AsyncIterator[Any]:
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


@pytest.mark.parametrize("role", ["operator", "render"])
async def test_only_who_may_makes_topics(cluster: Cluster, role: str) -> None:
    code, _, errors = await command(cluster.settings(role), "topics", "apply", "--worker", cluster.own)
    assert code == 1
    assert f"Kafka refused: this user may not do that with the topic {cluster.base.topic_prefix}" in errors
    assert "midi-ingest topics acls" in errors


async def test_topics_that_a_user_may_not_see_are_not_told_to_be_missing(cluster: Cluster) -> None:
    stranger = cluster.known(kafka_sasl_username="stranger", kafka_sasl_password=password("stranger"))
    code, output, errors = await command(stranger, "topics", "diff")
    assert (code, output) == (1, "")
    assert f"Kafka shows this user no topics {cluster.base.layout.name(Callback.topic)}, " in errors


@pytest.mark.parametrize(
    "arguments", [["dlq", "list"], ["dlq", "redrive", "--everything", "--yes"]], ids=" ".join
)
async def test_an_errand_of_another_roles_says_what_it_lacks(cluster: Cluster, arguments: list[str]) -> None:
    code, _, errors = await command(cluster.settings("ingest"), *arguments)
    assert (code, "Traceback" in errors) == (1, False)
    assert f"Kafka shows this user no topics {cluster.base.topic_prefix}dead-letter" in errors
    assert "midi-ingest topics acls" in errors


async def test_a_worker_as_another_roles_user_says_so_and_exits(cluster: Cluster) -> None:
    process = worker_process("normalize", cluster.environment("render"), cluster.folder / "wrong")
    process.log_file.parent.mkdir()
    process.start()
    assert await process.ended() == 1
    assert f"Kafka shows this user no topics {cluster.base.topic_prefix}tasks" in process.log_file.read_text()


async def test_a_worker_that_may_not_join_its_group_says_so_and_exits(
    cluster: Cluster, tmp_path: Path
) -> None:
    user = {"KAFKA_SASL_USERNAME": "loner", "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "password")}
    (tmp_path / "password").write_text(password("loner"))
    await cluster.kafka.add_users({"loner": password("loner")})
    (rights,) = (await cluster.acls("--role", "normalize", "--principal", "User:loner")).values()
    await cluster.kafka.allow(acl for acl in rights if acl.resource != "group")
    process = worker_process("normalize", cluster.environment("normalize") | user, tmp_path)
    process.start()
    assert await process.ended() == 1
    group = f"{cluster.base.topic_prefix}normalize"
    assert f"refuses: this user may not use the consumer group {group}: `midi-ingest topics acls`" in (
        process.log_file.read_text()
    )


KNOWN_BY: list[tuple[str, str]] = [
    ("SCRAM-SHA-256", "User:anna"),
    ("PLAIN", f"User:{PLAIN_USER}"),
    ("certificate", "User:CN=anna,OU=tests,O=midi-ingest"),
]


@pytest.mark.parametrize(("how", "principal"), KNOWN_BY, ids=[how for how, _ in KNOWN_BY])
async def test_users_are_known_in_each_way_that_is_supported(
    cluster: Cluster, how: str, principal: str
) -> None:
    acls = await cluster.acls("--principal", principal, "--role", "ingest", "--role", "operator")
    await cluster.kafka.allow(acl for role in acls for acl in acls[role])
    if how == "certificate":
        user = cluster.known(
            kafka_bootstrap_servers=cluster.kafka.mutual_tls,
            kafka_security_protocol="SSL",
            kafka_sasl_mechanism=None,
            **cluster.kafka.certificate("anna"),
        )
    elif how == "PLAIN":
        user = cluster.known(
            kafka_sasl_mechanism=how, kafka_sasl_username=PLAIN_USER, kafka_sasl_password=PLAIN_PASSWORD
        )
    else:
        await cluster.kafka.add_users({"anna": password("anna")}, how)
        user = cluster.known(
            kafka_sasl_mechanism=how, kafka_sasl_username="anna", kafka_sasl_password=password("anna")
        )
    security.require(user)
    await write(user, Callback.topic, (f"by {how}", b"{}", {}))
    await read_until(user, Callback.topic, lambda seen: f"by {how}" in {s.key for s in seen})


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "another password",
        {"kafka_sasl_password": "swordfish"},
        "see KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and",
    ),
    ("an unknown user", {"kafka_sasl_username": "nobody"}, "does not know the user, or not by that password"),
    ("another CA", {"kafka_ssl_ca_file": "other.pem"}, "has a certificate that nothing in KAFKA_SSL_CA_FILE"),
    ("no CA", {"kafka_ssl_ca_file": None}, "or, where that is unset, in this system vouches for"),
    (
        "another name",
        {"host": "localhost"},
        "has a certificate for other host names: KAFKA_BOOTSTRAP_SERVERS must",
    ),
    ("TLS where there is none", {"listener": "sasl_plain"}, "speaks no TLS on that port"),
    ("no TLS where there is", {"kafka_security_protocol": "PLAINTEXT"}, "hangs up: it may ask for another"),
    (
        "no user where one is asked for",
        {"kafka_security_protocol": "SSL"},
        "hangs up: it may ask for another",
    ),
    (
        "a user where none is asked for",
        {"listener": "mutual_tls", "as": "x"},
        "takes no user (SASL) on that port",
    ),
    (
        "no certificate where one is asked for",
        {"listener": "mutual_tls", "kafka_security_protocol": "SSL"},
        "see KAFKA_SSL_CERTIFICATE_FILE",
    ),
    (
        "a certificate that has expired",
        {"listener": "mutual_tls", "kafka_security_protocol": "SSL", "as": "old"},
        "takes no such client's certificate",
    ),
]


@pytest.mark.parametrize(("given", "told"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_a_connection_that_is_refused_is_told_with_the_setting_that_mends_it(
    cluster: Cluster, given: dict[str, Any], told: str
) -> None:
    trustme.CA().cert_pem.write_to_path(str(cluster.folder / "other.pem"))
    others = dict(given)
    servers: str = getattr(cluster.kafka, others.pop("listener", "sasl_ssl"))
    others["kafka_bootstrap_servers"] = servers.replace("127.0.0.1", others.pop("host", "127.0.0.1"))
    if name := others.pop("as", None):
        others |= cluster.kafka.certificate(name, expired=name == "old")
    if others.get("kafka_ssl_ca_file"):
        others["kafka_ssl_ca_file"] = cluster.folder / others["kafka_ssl_ca_file"]
    protocol = others.get("kafka_security_protocol", "SASL_SSL")
    user = {"kafka_sasl_username": "midi-topics", "kafka_sasl_password": password("topics")}
    settings = cluster.known(**(user | others))
    unused = [name for name, field in security.VARIABLES.items() if unfit(name, protocol)]
    settings = settings.model_copy(update={security.VARIABLES[name]: None for name in unused})
    code, _, errors = await command(settings, "topics", "diff")
    assert code == 1
    assert f"Kafka at {settings.kafka_bootstrap_servers} refuses: " in errors
    assert told in errors
    assert "swordfish" not in errors
    assert "Traceback" not in errors


def unfit(variable: str, protocol: str) -> bool:
    return ("SASL_" in variable and not protocol.startswith("SASL")) or (
        "SSL_" in variable and not protocol.endswith("SSL")
    )


async def test_what_is_acknowledged_while_kafka_refuses_the_user_is_published_once_it_does_not(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The password's file is read again for each try, so that mending it is enough."""
    env = cluster.environment("ingest")
    file = tmp_path / "password"
    file.write_text("another")
    port = free_port()
    env |= {
        "KAFKA_SASL_PASSWORD_FILE": str(file),
        "MIDI_INGEST_SPOOL_DIR": str(tmp_path / "spool"),
        "MIDI_INGEST_PORT": str(port),
    }
    base = f"http://127.0.0.1:{port}"
    ingest = Process(["ingest"], env, tmp_path / "ingest.log", base)
    installation = Installation(cluster.base, f"{base}/suno-midi-callback/{URL_END}")
    ingest.start()
    try:
        await ingest.ready()
        assert await installation.post(samples.song("refused", 5)) == 200
        await why(base, "does not know the user, or not by that password: see KAFKA_SASL_USERNAME")
        file.unlink()
        await why(base, f"KAFKA_SASL_PASSWORD_FILE: {file} cannot be read: No such file or directory.")
        file.write_text(password("ingest"))
        await read_until(cluster.base, Callback.topic, lambda seen: "refused" in {s.key for s in seen})
    finally:
        ingest.send_signal(signal.SIGTERM)
        assert await ingest.ended() == 0
    assert "another" not in (tmp_path / "ingest.log").read_text()


async def test_a_right_that_is_taken_away_is_told_and_once_it_is_given_back_all_goes_on(
    cluster: Cluster, system: Installation
) -> None:
    acls = await cluster.acls()
    (writes,) = [a for a in acls["ingest"] if a.name == cluster.base.layout.name(Callback.topic)]
    (renders,) = [
        a
        for a in acls["render"]
        if (a.name, a.operation) == (cluster.base.layout.name(MidiFile.topic), "Write")
    ]
    await cluster.kafka.forbid(renders)
    await system.post(samples.song("not rendered", 5))
    render = cluster.folder / "render.log"
    denied = f"this user may not do that with the topic {renders.name}"
    await said_in(render, denied)

    await cluster.kafka.forbid(writes)
    assert await system.post(samples.song("not published", 5)) == 200
    await why(system.processes["ingest"].health_url, "midi-ingest topics acls")

    await cluster.kafka.allow([renders, writes])
    for task_id in ("not rendered", "not published"):
        assert [outcome.status for outcome in await system.outcomes(task_id)] == ["complete"]


async def test_a_topic_that_may_not_be_read_any_more_is_named_and_read_again_once_it_may(
    cluster: Cluster, system: Installation
) -> None:
    (retries,) = [
        a for a in (await cluster.acls())["render"] if a.resource == "topic" and a.pattern == "prefixed"
    ]
    await cluster.kafka.forbid(retries)
    await said_in(cluster.folder / "render.log", f"this user may not do that with the topic {retries.name}")
    await cluster.kafka.allow([retries])
    await system.post(samples.song("rendered again", 5))
    assert [outcome.status for outcome in await system.outcomes("rendered again")] == ["complete"]


async def why(base: str, told: str) -> None:
    """Wait until the ingress' /readyz tells that Kafka takes nothing, and why."""
    said: dict[str, object] = {}

    async def tells() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as response:
            said.update(await response.json())
        return said["kafka"] is False and told in str(said["why"])

    await eventually(tells, lambda: str(said))


async def said_in(file: Path, text: str) -> None:
    """Wait until a log says something."""

    async def says() -> bool:
        return text in await asyncio.to_thread(file.read_text)

    await eventually(says, lambda: file.read_text()[-2000:])

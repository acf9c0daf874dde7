"""An embedded Kafka as operators run it: SASL_SSL and mutual TLS, users, and nothing allowed without an ACL.

Beside those listeners it has a plain one, where everybody is an administrator: for its own health check, and for tests
that look at what happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import trustme
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)
from cryptography.hazmat.primitives import serialization

from broker.embedded import EmbeddedKafka, data_folder
from broker.embedded.ports import free_port
from midi_ingest.acls import Acl
from tests.topics import eventually

HOST: Final = "127.0.0.1"
PLAIN_USER, PLAIN_PASSWORD = "plain-user", "plain-swordfish"
_ITERATIONS: Final = 4096
_MECHANISMS: Final = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
_RESOURCES: Final = {"topic": 2, "group": 3, "transactional-id": 5}
_PATTERNS: Final = {"literal": 3, "prefixed": 4}
_ANY: Final = 1
_OPERATIONS: Final = {
    name: number
    for number, name in enumerate(
        (
            "Read",
            "Write",
            "Create",
            "Delete",
            "Alter",
            "Describe",
            "ClusterAction",
            "DescribeConfigs",
            "AlterConfigs",
        ),
        start=3,
    )
}
_ALLOW: Final = 3

_LOG_OF_RIGHTS: Final = """
appender.rights.type = File
appender.rights.name = rights
appender.rights.fileName = rights.log
appender.rights.layout.type = PatternLayout
appender.rights.layout.pattern = %m%n
logger.rights.name = kafka.authorizer.logger
logger.rights.level = DEBUG
logger.rights.additivity = false
logger.rights.appenderRef.rights.ref = rights
"""
_ASKED: Final = re.compile(
    r"Principal = (\S.*?) is (Allowed|Denied) operation = (\w+) from host = \S+ on resource = "
    r"(\w+):LITERAL:(\S+) for request = (\w+) "
)


class Asked(NamedTuple):
    """One operation on one resource that a user asked for; ``operation`` and ``resource`` are in capitals."""

    principal: str
    allowed: bool
    operation: str
    resource: str
    name: str
    request: str


@dataclass
class SecureKafka:
    """Where it listens, and what vouches for it; ``admin`` is a client that may do everything."""

    admin: AIOKafkaAdminClient
    plain: str
    sasl_ssl: str
    sasl_plain: str
    mutual_tls: str
    ca: trustme.CA
    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def certificate(
        self, name: str, *, expired: bool = False, ca: trustme.CA | None = None
    ) -> dict[str, Path]:
        """Settings with a client's certificate of its own, whose principal is ``User:CN=<name>,OU=…,O=…``."""
        made = (ca or self.ca).issue_cert(
            f"{name}.example",
            common_name=name,
            organization_name="midi-ingest",
            organization_unit_name="tests",
            not_after=datetime.now(UTC) - timedelta(days=1) if expired else None,
        )
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(str(chain))
        made.private_key_pem.write_to_path(str(key))
        return {"kafka_ssl_certificate_file": chain, "kafka_ssl_key_file": key}

    async def add_users(self, passwords: Mapping[str, str], mechanism: str = "SCRAM-SHA-512") -> None:
        """Let Kafka know users by SCRAM; returns once they may log in."""
        upsertions = [_upsertion(user, password, mechanism) for user, password in passwords.items()]
        response = await self.admin._send_request(_AlterScramRequest(upsertions))
        assert {code for _, code, *_ in response.results} == {0}, response
        *_, (user, password) = passwords.items()  # they come all at once

        async def known() -> bool:
            return await self._logs_in(user, password, mechanism)

        await eventually(known, lambda: f"{user} is not known")

    async def allow(self, acls: Iterable[Acl]) -> None:
        """Add ACLs; returns once they hold."""
        wanted = list(acls)
        for response in await asyncio.gather(
            *(self.admin._send_to_controller(CreateAclsRequest(*_described(acl), _ALLOW)) for acl in wanted)
        ):
            ((code, message),) = response.creation_responses
            assert code == 0, (for_code(code), message)
        await eventually(lambda: self._hold(wanted), lambda: "the ACLs do not hold")

    async def forbid(self, acl: Acl) -> None:
        """Take an ACL away; returns once that holds."""
        response = await self.admin._send_to_controller(DeleteAclsRequest(*_described(acl), _ALLOW))
        assert len(response.filter_responses[0][2]) == 1

        async def gone() -> bool:
            return not await self._hold([acl])

        await eventually(gone, lambda: "the ACL still holds")

    def asked(self) -> Iterator[Asked]:
        """What users have asked for rights to, as Kafka's authorizer logged it."""
        for line in (self.folder / "kafka" / "rights.log").read_text().splitlines():
            if (found := _ASKED.match(line)) and found[1] != "User:ANONYMOUS":
                principal, answer, operation, resource, name, request = found.groups()
                yield Asked(principal, answer == "Allowed", operation, resource, name, request)

    async def _logs_in(self, user: str, password: str, mechanism: str) -> bool:
        client = AIOKafkaClient(
            bootstrap_servers=self.sasl_ssl,
            security_protocol="SASL_SSL",
            ssl_context=ssl.create_default_context(cafile=self.ca_file),
            sasl_mechanism=mechanism,
            sasl_plain_username=user,
            sasl_plain_password=password,
        )
        try:
            await client.bootstrap()
        except KafkaConnectionError:
            return False
        finally:
            await client.close()
        return True

    async def _hold(self, acls: Iterable[Acl]) -> bool:
        response = await self.admin._send_request(
            DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
        )
        found = {
            (resource, name, pattern, principal, operation)
            for resource, name, pattern, listed in response.resources
            for principal, _, operation, _ in listed
        }
        return all(
            (resource, name, pattern, principal, operation) in found
            for resource, name, pattern, principal, _, operation in map(_described, acls)
        )


@asynccontextmanager
async def secure_kafka(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[SecureKafka]:
    """One that runs, with its certificates in the folder."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    _write_keystore(ca, folder / "broker.pem")
    ports = dict(
        zip(("PLAINTEXT", "CONTROLLER", "SASL_SSL", "SASL_PLAINTEXT", "SSL"), _ports(5), strict=True)
    )
    log_config = folder / "log4j2.properties"
    log_config.write_text(data_folder._LOG_CONFIG.read_text() + _LOG_OF_RIGHTS)
    patch.setattr(data_folder, "_LOG_CONFIG", log_config)
    async with EmbeddedKafka(folder / "kafka", ports["PLAINTEXT"], extra=_properties(folder, ports)) as kafka:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        await admin.start()
        try:
            servers = {name: f"{HOST}:{port}" for name, port in ports.items()}
            yield SecureKafka(
                admin,
                servers["PLAINTEXT"],
                servers["SASL_SSL"],
                servers["SASL_PLAINTEXT"],
                servers["SSL"],
                ca,
                folder,
            )
        finally:
            await admin.close()


def _ports(count: int) -> set[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return ports


def _properties(folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    listeners = [f"{name}://{HOST}:{port}" for name, port in ports.items()]
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    plain = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'user_{PLAIN_USER}="{PLAIN_PASSWORD}";'
    )
    jaas = {"scram-sha-256": scram, "scram-sha-512": scram, "plain": plain}
    return {
        "listeners": ",".join(listeners),
        "advertised.listeners": ",".join(one for one in listeners if not one.startswith("CONTROLLER")),
        "listener.security.protocol.map": ",".join(
            f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in ports
        ),
        "controller.quorum.voters": f"1@{HOST}:{ports['CONTROLLER']}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:ANONYMOUS",  # whoever comes by the plain listener
        "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
        **{
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config": config
            for listener in ("sasl_ssl", "sasl_plaintext")
            for mechanism, config in jaas.items()
        },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
    }


def _write_keystore(ca: trustme.CA, path: Path) -> None:
    """The broker's key and certificates in one file; Java reads no key but in PKCS #8."""
    made = ca.issue_cert(HOST)
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pkcs8 + b"".join(pem.bytes() for pem in made.cert_chain_pems))


def _described(acl: Acl) -> tuple[int, str, int, str, str, int]:
    return (
        _RESOURCES[acl.resource],
        acl.name,
        _PATTERNS[acl.pattern],
        acl.principal,
        "*",
        _OPERATIONS[acl.operation],
    )


def _upsertion(user: str, password: str, mechanism: str) -> tuple[object, ...]:
    number, digest = _MECHANISMS[mechanism]
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, _ITERATIONS)
    return user, number, _ITERATIONS, salt, salted, {}


# AlterUserScramCredentials, which aiokafka does not have; the fields are those of its JSON in Kafka's source.


class _AlterScramResponse(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterScramRequestV0(RequestStruct):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _AlterScramResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterScramRequest(Request[_AlterScramRequestV0]):  # type: ignore[misc]
    API_KEY = 51

    def __init__(self, upsertions: list[tuple[object, ...]]) -> None:
        self._upsertions = upsertions

    def build(self, request_struct_class: type[_AlterScramRequestV0]) -> _AlterScramRequestV0:
        return request_struct_class([], self._upsertions, {})

"""What a copy of a topic on this machine has to know of it, and aiokafka does not tell."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_TOMBSTONES_KEPT: Final = "delete.retention.ms"
_TOPIC: Final = 2
"""A topic, among the kinds of things that have a configuration."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A topic's id, which no other topic of the same name has; None where the brokers are too old to have any.

    ``tombstones_kept_ms`` is how long compaction leaves tombstones, at the least.
    """

    topic_id: str | None
    tombstones_kept_ms: int


async def identify(consumer: AIOKafkaConsumer, name: str) -> Identity:
    """The identity of an existing topic; asked over the connections of a consumer that has started.

    Raises:
        KafkaError: Kafka cannot be reached, or there is no such topic.
    """
    client = consumer._client  # noqa: SLF001 - a client of its own would cost a lane another connection
    configs = await client.send(
        client.get_random_node(), DescribeConfigsRequest([(_TOPIC, name, [_TOMBSTONES_KEPT])])
    )
    ((code, _, _, _, entries),) = configs.resources
    _raise_for(code, name)
    kept_ms = int(entries[0][1])
    try:
        metadata = await client.send(client.get_random_node(), _MetadataRequest(name))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return Identity(None, kept_ms)
    ((code, _, topic_id, *_),) = metadata.topics
    _raise_for(code, name)
    return Identity(topic_id.hex, kept_ms)


def _raise_for(code: int, name: str) -> None:
    if code:
        error: type[KafkaError] = for_code(code)
        raise error(name)


class _Uuid:
    """Sixteen bytes; none of Kafka's types that aiokafka has."""

    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))

    @classmethod
    def repr(cls, value: uuid.UUID) -> str:
        return str(value)


# Metadata of version 10, the first with ids (KIP-516); the fields are those of MetadataRequest.json in Kafka's source.


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition_index", Int32),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("replica_nodes", CompactArray(Int32)),
                        ("isr_nodes", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("topic_authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequestV10(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestV10]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, request_struct_class: type[_MetadataRequestV10]) -> _MetadataRequestV10:
        return request_struct_class([(uuid.UUID(int=0), self._name, {})], False, False, False, {})

"""Settings of the Kafka cluster and of the topics in it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from schemas.topics import Layout

_LAST_PORT: Final = 65535


def _servers(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
            raise ValueError("expected host:port, or several separated by commas, each port from 1 to 65535")
    return value


class KafkaSettings(BaseModel):
    """Where Kafka is, and what all topics of this installation share."""

    kafka_bootstrap_servers: Annotated[str, AfterValidator(_servers)] = Field(
        default="127.0.0.1:9092",
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="Kafka brokers to ask first, host:port, separated by commas.",
    )
    topic_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,80}$")] = Field(
        default="midi.",
        description="Begins the name of every topic, consumer group and transactional id.",
    )
    partitions: int = Field(
        default=6,
        ge=1,
        le=1000,
        description="Partitions of every topic. Never change it on a running installation: keys would move.",
    )
    replication_factor: int = Field(
        default=-1, ge=-1, le=10, description="Copies of every topic; -1 leaves it to the brokers' default."
    )
    compression: Literal["zstd", "none"] = Field(
        default="zstd", description="How records are compressed: zstd makes callbacks six times smaller."
    )
    max_body_bytes: int = Field(
        default=8 * 1024 * 1024,
        ge=1024,
        le=32 * 1024 * 1024,
        description="The largest callback body; larger ones are refused with 413. Topics take 1 MiB more.",
    )
    session_timeout_seconds: float = Field(
        default=10,
        ge=1,
        le=300,
        description="How long a worker's process may be silent before its group gives its partitions to others.",
    )

    @property
    def layout(self) -> Layout:
        """What all topics share."""
        return Layout(self.topic_prefix, self.partitions, self.replication_factor, self.max_body_bytes)

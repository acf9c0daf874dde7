"""Settings of the Kafka cluster and of the topics in it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)

from schemas.topics import Layout
from telemetry.settings import OptionalPath, blank_is_unset

_LAST_PORT: Final = 65535

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


def _servers(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
            raise ValueError("expected host:port, or several separated by commas, each port from 1 to 65535")
    return value


def _word(value: object) -> object:
    """A word of Kafka's, which people write in small letters, too."""
    return value.strip().upper() if isinstance(value, str) else value


def _protocol(value: object) -> object:
    return _word(value) or "PLAINTEXT"


class SecuritySettings(BaseModel):
    """How clients encrypt, and say who they are; `broker.security` checks that they fit together."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kafka_security_protocol: Annotated[Protocol, BeforeValidator(_protocol)] = Field(
        default="PLAINTEXT",
        validation_alias="KAFKA_SECURITY_PROTOCOL",
        description="PLAINTEXT, SSL (TLS), SASL_PLAINTEXT or SASL_SSL, as the brokers' listener has it.",
    )
    kafka_sasl_mechanism: Annotated[
        Mechanism | None, BeforeValidator(_word), BeforeValidator(blank_is_unset)
    ] = Field(
        default=None,
        validation_alias="KAFKA_SASL_MECHANISM",
        description="How user and password are told with SASL: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.",
    )
    kafka_sasl_username: Annotated[str | None, BeforeValidator(blank_is_unset)] = Field(
        default=None, validation_alias="KAFKA_SASL_USERNAME", description="The user's name, with SASL."
    )
    kafka_sasl_password: Annotated[SecretStr | None, BeforeValidator(blank_is_unset)] = Field(
        default=None, validation_alias="KAFKA_SASL_PASSWORD", description="The user's password, with SASL."
    )
    kafka_sasl_password_file: OptionalPath = Field(
        default=None,
        validation_alias="KAFKA_SASL_PASSWORD_FILE",
        description="A file with that password instead.",
    )
    kafka_ssl_ca_file: OptionalPath = Field(
        default=None,
        validation_alias="KAFKA_SSL_CA_FILE",
        description="Certificates in PEM that vouch for the brokers'; unset: those of this system.",
    )
    kafka_ssl_certificate_file: OptionalPath = Field(
        default=None,
        validation_alias="KAFKA_SSL_CERTIFICATE_FILE",
        description="The client's own certificate chain in PEM, for mutual TLS.",
    )
    kafka_ssl_key_file: OptionalPath = Field(
        default=None,
        validation_alias="KAFKA_SSL_KEY_FILE",
        description="The private key of that certificate in PEM, without a password.",
    )


class KafkaSettings(SecuritySettings):
    """Where Kafka is, how it is reached, and what all topics of this installation share."""

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

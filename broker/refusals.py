"""Why Kafka refuses a client, in words for whoever can mend it: which setting, or which right.

aiokafka 0.14 tells in its log only why a connection failed, and raises that there is none. So each attempt is noted
here, and what is raised for want of a connection is explained by the last attempts. No word comes from a setting or
from Kafka's own message but names of hosts, topics, groups and transactional ids.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from socket import gaierror
from time import monotonic
from typing import Final, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

FRESH_SECONDS: Final = 60.0
"""So long what refused a connection may be why something else fails; clients try again more often than that."""

WHO_NEEDS_WHAT: Final = "`midi-ingest topics acls` prints the commands that give each role its rights."

_DENIED: Final[Mapping[type[KafkaError], str]] = {
    TopicAuthorizationFailedError: "this user may not do that with the topic",
    GroupAuthorizationFailedError: "this user may not use the consumer group",
    TransactionalIdAuthorizationFailed: "this user may not use the transactional id",
    ClusterAuthorizationFailedError: "this user may write no topic, or not do that in this cluster",
}
_COORDINATOR: Final = "Unable to get coordinator id for "
_HUNG_UP: Final = "hangs up: it may ask for another KAFKA_SECURITY_PROTOCOL"
_REFUSED: Final[Mapping[type[Exception], str]] = {
    SaslAuthenticationFailed: "does not know the user, or not by that password: see KAFKA_SASL_USERNAME, "
    "KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
    UnsupportedSaslMechanismError: "does not take that KAFKA_SASL_MECHANISM",
    IllegalSaslStateError: "takes no user (SASL) on that port: see KAFKA_SECURITY_PROTOCOL",
}
_AWAY: Final[Mapping[type[Exception], str]] = {
    ConnectionRefusedError: "has nobody listening",
    gaierror: "is no known host",
    TimeoutError: "did not answer in time",
}
_EXPIRED: Final = 10
_OTHER_NAME: Final = {62, 64}
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and …_IP_ADDRESS_MISMATCH."""


class _Failure(NamedTuple):
    """Why an attempt to connect failed: ``refused`` by who is there, or else nobody is."""

    why: str
    refused: bool
    at: float


_failures: dict[str, _Failure] = {}
"""The last attempts to connect, by host and port, where there was no success since."""

_connect: Final = AIOKafkaConnection.connect
_bootstrap: Final = AIOKafkaClient.bootstrap


def note_refusals() -> None:
    """Note of all clients of this process why they get no connection."""
    AIOKafkaConnection.connect = _connected
    AIOKafkaClient.bootstrap = _bootstrapped


def in_words(error: BaseException) -> str:
    """What an error says, and what is known of why Kafka refuses."""
    if told := denial(error):
        return told
    words = str(error) or ("it took too long" if isinstance(error, TimeoutError) else type(error).__name__)
    if isinstance(error, NodeNotReadyError | TimeoutError) and (told := refusal()):
        return f"{words}; {told}"
    return words


def refusal_of(error: BaseException) -> str:
    """Why Kafka refuses, where an error comes of that; else empty."""
    without_connection = isinstance(error, KafkaConnectionError | NodeNotReadyError | TimeoutError)
    return denial(error) or (refusal() if without_connection else "")


def denial(error: object) -> str:
    """What right is missing; empty where none is."""
    for kind, what in _DENIED.items():
        if isinstance(error, kind):
            return f"{what}{_named(error.args)}: {WHO_NEEDS_WHAT}"
    return ""


def refusal() -> str:
    """Why brokers have refused this process a moment ago; empty where none has, or all have taken it since."""
    since = monotonic() - FRESH_SECONDS
    return "; ".join(
        f"{server} {f.why}" for server, f in list(_failures.items()) if f.refused and f.at > since
    )


async def _connected(connection: AIOKafkaConnection) -> object:
    server = _server(connection.host, connection.port)
    try:
        streams = await _connect(connection)
    except (OSError, KafkaError) as error:  # a TimeoutError is an OSError
        _failures[server] = _failure(error, tls=connection._ssl_context is not None)  # noqa: SLF001 - it is told nobody else
        raise
    _failures.pop(server, None)
    return streams


async def _bootstrapped(client: AIOKafkaClient) -> None:
    try:
        await _bootstrap(client)
    except KafkaConnectionError as error:
        # Whoever hangs up at the first question has been connected to.
        servers = [_server(host, port) for host, port, _ in client.hosts]
        whys = [f"{s} {_failures.setdefault(s, _Failure(_HUNG_UP, True, monotonic())).why}" for s in servers]
        raise KafkaConnectionError("; ".join(whys)) from error


def _server(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _failure(error: Exception, *, tls: bool) -> _Failure:
    why = _why_refused(error, tls=tls)
    return _Failure(why or _told(_AWAY, error) or f"cannot be reached: {error}", bool(why), monotonic())


def _why_refused(error: Exception, *, tls: bool) -> str:
    """Why whoever is there gives no connection; empty where nobody may be there."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _why_not_verified(error)
    if isinstance(error.__cause__, ssl.SSLError):  # TLS 1.3 tells that after the handshake
        return (
            f"takes no such client's certificate ({error.__cause__.reason}): see KAFKA_SSL_CERTIFICATE_FILE"
        )
    if tls and isinstance(error, ssl.SSLError | ConnectionResetError):
        return "speaks no TLS on that port, or none that we do: see KAFKA_SECURITY_PROTOCOL"
    if isinstance(error, KafkaConnectionError):
        return _HUNG_UP
    return _told(_REFUSED, error)


def _why_not_verified(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _OTHER_NAME:
        return "has a certificate for other host names: KAFKA_BOOTSTRAP_SERVERS must name one of those"
    if error.verify_code == _EXPIRED:
        return "has a certificate that has expired"
    return (
        "has a certificate that nothing in KAFKA_SSL_CA_FILE or, where that is unset, in this system vouches for "
        f"({error.verify_message})"
    )


def _told(whys: Mapping[type[Exception], str], error: Exception) -> str:
    return next((why for kind, why in whys.items() if isinstance(error, kind)), "")


def _named(of: tuple[object, ...]) -> str:
    """What an error is about: aiokafka gives it a name, several, a sentence that ends in one, or nothing."""
    names = {name for one in of for name in (one if isinstance(one, set | frozenset | list) else [one])}
    return f" {', '.join(sorted(str(name).removeprefix(_COORDINATOR) for name in names))}" if names else ""

"""TLS and SASL of all clients: whether the settings fit together, and what is made of them."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from broker.settings import SecuritySettings
from telemetry.logs import logger
from telemetry.settings import UnreadableFile, text_in

VARIABLES: Final = {
    str(field.validation_alias): name for name, field in SecuritySettings.model_fields.items()
}
"""Each setting's field, by the name of its environment variable."""

_PROTOCOL: Final = "KAFKA_SECURITY_PROTOCOL"
_PAIR: Final = {
    "KAFKA_SSL_CERTIFICATE_FILE": "KAFKA_SSL_KEY_FILE",
    "KAFKA_SSL_KEY_FILE": "KAFKA_SSL_CERTIFICATE_FILE",
}


class SecurityError(OSError):
    """Settings do not fit together, or a file of theirs cannot be used; the message names the variable."""


def client_options(settings: SecuritySettings) -> dict[str, Any]:
    """What aiokafka's clients are given beside the brokers; nothing for PLAINTEXT.

    The password's file is read anew for each client; the files of TLS once a process.

    Raises:
        SecurityError: a file cannot be used.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {}
    if _has_tls(settings):
        options["ssl_context"] = _context(
            settings.kafka_ssl_ca_file, settings.kafka_ssl_certificate_file, settings.kafka_ssl_key_file
        )
    if _has_sasl(settings):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": _password(settings),
        }
    return {"security_protocol": protocol, **options} if options else {}


def tell_of_clear_text(settings: SecuritySettings) -> None:
    """Warn, once a process, where whoever listens on the way learns the password."""
    if (settings.kafka_security_protocol, settings.kafka_sasl_mechanism) == ("SASL_PLAINTEXT", "PLAIN"):
        _warn_of_clear_text()


@lru_cache(maxsize=1)
def _warn_of_clear_text() -> None:
    logger().warning(
        "the password goes to kafka as clear text",
        mend="KAFKA_SECURITY_PROTOCOL=SASL_SSL, or KAFKA_SASL_MECHANISM=SCRAM-SHA-512.",
    )


def require(settings: SecuritySettings) -> None:
    """Make sure that clients can be made with these settings.

    Raises:
        SecurityError: they cannot; the message tells all that is missing or too much.
    """
    if problems := list(_misfits(settings)):
        raise SecurityError("\n".join(problems))
    client_options(settings)


def _misfits(settings: SecuritySettings) -> Iterator[str]:
    protocol, sasl, tls = settings.kafka_security_protocol, _has_sasl(settings), _has_tls(settings)
    given = [name for name, field in VARIABLES.items() if getattr(settings, field) is not None]
    for name in given:
        if name.startswith("KAFKA_SASL_") and not sasl:
            yield f"{name}: {_PROTOCOL} is {protocol}, without SASL: set that to SASL_SSL, or unset this."
        if name.startswith("KAFKA_SSL_") and not tls:
            meant = "SASL_SSL" if sasl else "SSL"
            yield f"{name}: {_PROTOCOL} is {protocol}, without TLS: set that to {meant}, or unset this."
        if (other := _PAIR.get(name)) and other not in given:
            yield f"{name}: {other} is not set. A client's certificate needs both."
    if sasl:
        yield from _missing(protocol, given)


def _missing(protocol: str, given: Collection[str]) -> Iterator[str]:
    """What SASL needs and has not, or has twice."""
    if "KAFKA_SASL_MECHANISM" not in given:
        yield f"KAFKA_SASL_MECHANISM: {protocol} needs it: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."
    if "KAFKA_SASL_USERNAME" not in given:
        yield f"KAFKA_SASL_USERNAME: {protocol} needs it."
    passwords = {"KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE"}.intersection(given)
    if not passwords:
        yield f"KAFKA_SASL_PASSWORD: {protocol} needs it, or KAFKA_SASL_PASSWORD_FILE."
    if len(passwords) > 1:
        yield "KAFKA_SASL_PASSWORD: KAFKA_SASL_PASSWORD_FILE is set, too; keep one of them."


def _has_tls(settings: SecuritySettings) -> bool:
    return settings.kafka_security_protocol.endswith("SSL")


def _has_sasl(settings: SecuritySettings) -> bool:
    return settings.kafka_security_protocol.startswith("SASL")


def _password(settings: SecuritySettings) -> str:
    path = settings.kafka_sasl_password_file
    if path is None:
        return settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
    if path.is_fifo():  # it would wait for ever, or give the password only once
        raise SecurityError(f"KAFKA_SASL_PASSWORD_FILE: {path} is a pipe, but is read again for each client.")
    try:
        password = text_in(path, "KAFKA_SASL_PASSWORD_FILE").strip()
    except UnreadableFile as error:
        raise SecurityError(str(error)) from None
    if not password or "\n" in password:
        raise SecurityError(
            f"KAFKA_SASL_PASSWORD_FILE: {path} has {'several lines' if password else 'nothing in it'}. "
            "Expected the password, and nothing else."
        )
    return password


@lru_cache(maxsize=8)
def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What TLS is spoken with: version 1.2 or newer, the broker's certificate and host name verified."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise SecurityError(f"KAFKA_SSL_CA_FILE: {ca} {_why(error, 'has no certificate in PEM')}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Set by Python 3.13: it refuses the CAs of many companies, which lack an extension, and which all others take.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate is None:
        return context
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:
        raise SecurityError(
            f"KAFKA_SSL_CERTIFICATE_FILE: {certificate} with KAFKA_SSL_KEY_FILE={key} "
            f"{_why(error, 'is not in PEM')}. Expected a certificate chain and its key in PEM, without a password."
        ) from None
    return context


def _why(error: OSError, not_pem: str) -> str:
    if not isinstance(error, ssl.SSLError):
        return f"cannot be used: {error.strerror}"
    return (
        "cannot be used: the key is another certificate's"
        if error.reason == "KEY_VALUES_MISMATCH"
        else not_pem
    )


def _no_password() -> str:
    """Said instead of a password, which OpenSSL would ask the terminal for, and wait."""
    raise OSError(errno.EACCES, "the key is encrypted")

"""HTTPS straight from files."""

from __future__ import annotations

import errno
import ssl

from ingest.settings import IngressSettings


class TlsError(OSError):
    """The files cannot be used; the message names the settings and what is expected."""


def context(settings: IngressSettings) -> ssl.SSLContext | None:
    """What TLS is spoken with; None where no certificate is set.

    Raises:
        TlsError: the files cannot be used, or one of them is missing.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None:
        if key is not None:
            raise TlsError("MIDI_INGEST_TLS_KEY is set; set MIDI_INGEST_TLS_CERTIFICATE, too.")
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # an SSLError is one
        raise TlsError(_what_is_wrong(settings, error)) from None
    return made


def _what_is_wrong(settings: IngressSettings, error: OSError) -> str:
    certificate, key = settings.tls_certificate, settings.tls_key
    if key is None and isinstance(error, ssl.SSLError):
        return (
            f"MIDI_INGEST_TLS_CERTIFICATE={certificate} cannot be used alone: set MIDI_INGEST_TLS_KEY, too, unless "
            "that file has the certificate chain and its key in PEM, without a password."
        )
    why = error.strerror
    if isinstance(error, ssl.SSLError):
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        why = "the key is another certificate's" if mismatch else "one of them is not in PEM"
    return (
        f"MIDI_INGEST_TLS_CERTIFICATE={certificate} with MIDI_INGEST_TLS_KEY={key} cannot be used: {why}. Expected a "
        "certificate chain and its key in PEM, without a password."
    )


def _no_password() -> str:
    """Said instead of a password, which OpenSSL would ask the terminal for, and wait."""
    raise OSError(errno.EACCES, "the key is encrypted")

"""HMAC-SHA256 (RFC 2104, FIPS 180-4), which all the signatures are made with."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.origin.verifier import Covers, NotVerified

KEY_BYTES_MIN: Final = 16

_BYTES: Final = hashlib.sha256().digest_size


def keyed(keys: Iterable[bytes]) -> tuple[hmac.HMAC, ...]:
    """HMACs that have taken in their keys, which is half the work for a small body."""
    return tuple(hmac.new(key, digestmod=hashlib.sha256) for key in keys)


def key_bytes(key: str) -> bytes:
    """A key that is used as it is: in UTF-8, and what is none in a variable as the bytes that stand there.

    Raises:
        ValueError: it is too short.
    """
    raw = key.encode(errors="surrogateescape")
    if len(raw) < KEY_BYTES_MIN:
        raise ValueError(
            f"each key must have at least {KEY_BYTES_MIN} bytes: who has seen one signature can try shorter ones "
            "until one fits"
        )
    return raw


def signature_of(key: bytes, *parts: str | bytes) -> bytes:
    """The signature of parts that full stops join."""
    message = b".".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hmac.digest(key, message, hashlib.sha256)


def from_base64(text: str) -> bytes | None:
    """The signature in padded base64 (RFC 4648, section 4), or None where it is none."""
    try:
        return _whole(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:
        return None


def from_hex(text: str) -> bytes | None:
    """The signature in hex digits of either case, or None where it is none."""
    try:
        return _whole(binascii.unhexlify(text))
    except ValueError:
        return None


def _whole(signature: bytes) -> bytes | None:
    return signature if len(signature) == _BYTES else None


@dataclass(slots=True)
class Signed:
    """The claim that what is covered, with ``before`` and ``after`` around it, was signed with an active key.

    One of ``signatures`` has to fit one of ``keys``.
    """

    covers: Covers
    keys: Sequence[hmac.HMAC] = field(repr=False)
    signatures: Sequence[bytes] = field(repr=False)
    before: bytes = b""
    after: bytes = b""

    def check(self, covered: bytes) -> None:
        """Hold the raw body, or the task id in UTF-8, against the signatures.

        Raises:
            NotVerified: none was made of it with an active key.
        """
        for key in self.keys:
            mac = key.copy()
            for part in (self.before, covered, self.after):
                mac.update(part)
            digest = mac.digest()
            if any(hmac.compare_digest(digest, signature) for signature in self.signatures):
                return
        raise NotVerified(f"Expected a signature of this {self.covers.value}, made with an active key.")

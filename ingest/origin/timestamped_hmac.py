"""`timestamped-hmac`: signatures in hex over time and raw body, as Tunova and MusicAPI send them.

Sources: https://tunova.ai/guides/suno-api-webhooks, https://docs.musicapi.ai/webhook-guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from multidict import istr
from pydantic import Field, StringConstraints

from ingest.origin.headers import Timestamp, TimestampSettings, only
from ingest.origin.keyring import SecretFile, SecretText
from ingest.origin.signature import Signed, from_hex, key_bytes, keyed, signature_of
from ingest.origin.verifier import Covers, Head, NotVerified, Outgoing

_PREFIX: Final = "sha256="

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
"""The name of a header: a token as in RFC 9110, section 5.6.2."""


class TimestampedHmacSettings(TimestampSettings):
    """The keys that are active now, and where time and signature stand."""

    timestamped_hmac_keys: SecretText = Field(
        default=None, description="Keys of the sender's signatures, separated by commas or white space."
    )
    timestamped_hmac_keys_file: SecretFile = Field(
        default=None, description="A file with these keys instead."
    )
    timestamped_hmac_timestamp_header: HeaderName = Field(
        default="X-Webhook-Timestamp", description="The header with the signature's time, in Unix seconds."
    )
    timestamped_hmac_signature_header: HeaderName = Field(
        default="X-Webhook-Signature", description="The header with `sha256=` and the signature in hex."
    )


class TimestampedHmac:
    """Verifies that time and body were signed with an active key.

    Raises:
        ValueError: a key is too short.
    """

    def __init__(self, settings: TimestampedHmacSettings, keys: Sequence[str]) -> None:
        self._keys = keyed(map(key_bytes, keys))
        self._timestamp = Timestamp(istr(settings.timestamped_hmac_timestamp_header), settings)
        self._signature = istr(settings.timestamped_hmac_signature_header)

    def read(self, head: Head) -> Signed:
        """What the headers claim of the body.

        Raises:
            NotVerified: a header is missing, malformed or there twice; the time is too far from now.
        """
        timestamp = self._timestamp.read(head)
        text = only(head, self._signature)
        signature = from_hex(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else None
        if signature is None:
            raise NotVerified(f"Expected {self._signature} to be `{_PREFIX}` and an HMAC-SHA256 in hex.")
        return Signed(Covers.BODY, self._keys, [signature], before=f"{timestamp}.".encode())


def sign(settings: TimestampedHmacSettings, key: str, callback: Outgoing) -> dict[str, str]:
    """The headers with which a sender of this kind sends a callback."""
    timestamp = str(callback.timestamp)
    signature = signature_of(key_bytes(key), timestamp, callback.body)
    return {
        settings.timestamped_hmac_timestamp_header: timestamp,
        settings.timestamped_hmac_signature_header: _PREFIX + signature.hex(),
    }

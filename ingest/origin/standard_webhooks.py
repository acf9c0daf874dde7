"""`standard-webhooks`: the symmetric signatures of Standard Webhooks, over id, time and raw body.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from secrets import token_hex
from typing import Final

from multidict import istr
from pydantic import Field

from ingest.origin.headers import Timestamp, TimestampSettings, only
from ingest.origin.keyring import SecretFile, SecretText
from ingest.origin.signature import KEY_BYTES_MIN, Signed, from_base64, keyed, signature_of
from ingest.origin.verifier import Covers, Head, NotVerified, Outgoing

SIGNATURES_MAX: Final = 16
"""A sender sends one for each of its active keys; more would only cost time."""

_ID: Final = istr("webhook-id")
_TIMESTAMP: Final = istr("webhook-timestamp")
_SIGNATURE: Final = istr("webhook-signature")


class StandardWebhooksSettings(TimestampSettings):
    """The keys that are active now."""

    standard_webhooks_keys: SecretText = Field(
        default=None, description="Keys such as `whsec_…`, separated by commas or white space."
    )
    standard_webhooks_keys_file: SecretFile = Field(
        default=None, description="A file with these keys instead."
    )


class StandardWebhooks:
    """Verifies that id, time and body were signed with an active key.

    Raises:
        ValueError: a key is not written in base64, or is too short.
    """

    def __init__(self, settings: StandardWebhooksSettings, keys: Sequence[str]) -> None:
        self._keys = keyed([_key(key) for key in keys])
        self._timestamp = Timestamp(_TIMESTAMP, settings)

    def read(self, head: Head) -> Signed:
        """What the headers claim of the body.

        Raises:
            NotVerified: a header is missing, malformed or there twice; the time is too far from now.
        """
        message_id = only(head, _ID)
        if not message_id or not message_id.isascii() or "." in message_id:
            raise NotVerified(
                f"Expected {_ID} in ASCII and without a full stop, which would make it ambiguous."
            )
        timestamp = self._timestamp.read(head)
        signatures = _signatures(only(head, _SIGNATURE))
        return Signed(Covers.BODY, self._keys, signatures, before=f"{message_id}.{timestamp}.".encode())


def _key(text: str) -> bytes:
    text = text.removeprefix("whsec_")
    try:
        key = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(
            f"each key must be `whsec_` and at least {KEY_BYTES_MIN} bytes in base64, as the sender shows it "
            "(`whpk_` keys, for asymmetric signatures, are not supported)"
        )
    return key


def _signatures(text: str) -> list[bytes]:
    """The signatures of version `v1`; a sender may send others beside them."""
    versioned = text.split(" ", SIGNATURES_MAX)
    signatures = [from_base64(one.removeprefix("v1,")) for one in versioned if one.startswith("v1,")]
    well_formed = [signature for signature in signatures if signature is not None]
    if not well_formed or len(versioned) > SIGNATURES_MAX:
        raise NotVerified(
            f"Expected {_SIGNATURE} to have a signature `v1,<base64>`, and {SIGNATURES_MAX} at most."
        )
    return well_formed


def sign(_: StandardWebhooksSettings, key: str, callback: Outgoing) -> dict[str, str]:
    """The headers with which a sender of this kind sends a callback, under a new id."""
    message_id, timestamp = f"msg_{token_hex(12)}", str(callback.timestamp)
    signature = signature_of(_key(key), message_id, timestamp, callback.body)
    return {
        _ID: message_id,
        _TIMESTAMP: timestamp,
        _SIGNATURE: f"v1,{base64.b64encode(signature).decode()}",
    }

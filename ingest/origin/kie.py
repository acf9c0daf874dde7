"""`kie`: the signatures of Kie.ai, over task id and time. They do not cover the body.

Source: https://docs.kie.ai/common-api/webhook-verification
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from multidict import istr
from pydantic import Field

from ingest.origin.headers import Timestamp, TimestampSettings, only
from ingest.origin.keyring import SecretFile, SecretText
from ingest.origin.signature import Signed, from_base64, key_bytes, keyed, signature_of
from ingest.origin.verifier import Covers, Head, NotVerified, Outgoing

_TIMESTAMP: Final = istr("X-Webhook-Timestamp")
_SIGNATURE: Final = istr("X-Webhook-Signature")


class KieSettings(TimestampSettings):
    """The keys that are active now."""

    kie_keys: SecretText = Field(
        default=None, description="Kie.ai's webhookHmacKey, or several separated by commas or white space."
    )
    kie_keys_file: SecretFile = Field(default=None, description="A file with these keys instead.")


class Kie:
    """Verifies that task id and time were signed with an active key.

    Raises:
        ValueError: a key is too short.
    """

    def __init__(self, settings: KieSettings, keys: Sequence[str]) -> None:
        self._keys = keyed(map(key_bytes, keys))
        self._timestamp = Timestamp(_TIMESTAMP, settings)

    def read(self, head: Head) -> Signed:
        """What the headers claim of the task id.

        Raises:
            NotVerified: a header is missing, malformed or there twice; the time is too far from now.
        """
        timestamp = self._timestamp.read(head)
        signature = from_base64(only(head, _SIGNATURE))
        if signature is None:
            raise NotVerified(f"Expected {_SIGNATURE} to be an HMAC-SHA256 in base64.")
        return Signed(Covers.TASK_ID, self._keys, [signature], after=f".{timestamp}".encode())


def sign(_: KieSettings, key: str, callback: Outgoing) -> dict[str, str]:
    """The headers with which Kie.ai sends a callback."""
    timestamp = str(callback.timestamp)
    signature = signature_of(key_bytes(key), callback.task_id, timestamp)
    return {_TIMESTAMP: timestamp, _SIGNATURE: base64.b64encode(signature).decode()}

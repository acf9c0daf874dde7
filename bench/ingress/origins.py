"""Senders that prove their origin, and the settings with which the ingress believes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Final

from bench.load import PATH, head

_TOKEN: Final = secrets.token_urlsafe(32)
_KEY: Final = secrets.token_bytes(32)

URL_TOKEN: Final = {"MIDI_INGEST_ORIGIN": "url-token", "MIDI_INGEST_URL_TOKENS": _TOKEN}
STANDARD_WEBHOOKS: Final = {
    "MIDI_INGEST_ORIGIN": "standard-webhooks",
    "MIDI_INGEST_STANDARD_WEBHOOKS_KEYS": f"whsec_{base64.b64encode(_KEY).decode()}",
}


def url_token(body: bytes) -> bytes:
    """The head of a request whose path ends in the token."""
    return head(body, f"{PATH}/{_TOKEN}")


def standard_webhooks(body: bytes) -> bytes:
    """The head of a request that is signed as Standard Webhooks are."""
    message_id, timestamp = f"msg_{secrets.token_hex(12)}", int(time.time())
    mac = hmac.new(_KEY, f"{message_id}.{timestamp}.".encode(), hashlib.sha256)
    mac.update(body)
    fields = (
        f"webhook-id: {message_id}\r\nwebhook-timestamp: {timestamp}\r\n"
        f"webhook-signature: v1,{base64.b64encode(mac.digest()).decode()}\r\n"
    )
    return head(body, fields=fields)

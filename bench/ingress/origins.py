"""Senders that prove their origin, and the settings with which the ingress believes them."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Final

from bench.load import PATH, head
from ingest.origin.standard_webhooks import StandardWebhooksSettings, sign
from ingest.origin.verifier import Outgoing

_TOKEN: Final = secrets.token_urlsafe(32)
_KEY: Final = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"

URL_TOKEN: Final = {"MIDI_INGEST_ORIGIN": "url-token", "MIDI_INGEST_URL_TOKENS": _TOKEN}
STANDARD_WEBHOOKS: Final = {
    "MIDI_INGEST_ORIGIN": "standard-webhooks",
    "MIDI_INGEST_STANDARD_WEBHOOKS_KEYS": _KEY,
}


def url_token(body: bytes) -> bytes:
    """The head of a request whose path ends in the token."""
    return head(body, f"{PATH}/{_TOKEN}")


def standard_webhooks(body: bytes) -> bytes:
    """The head of a request that is signed as Standard Webhooks are."""
    signed = sign(StandardWebhooksSettings(), _KEY, Outgoing("", body, int(time.time())))
    return head(body, fields="".join(f"{name}: {value}\r\n" for name, value in signed.items()))

"""Where the ingress answers, as one reaches it from this machine."""

from __future__ import annotations

from typing import Final

from ingest.origin import keyring
from ingest.origin.registry import VERIFIERS
from midi_ingest.settings import Settings

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared


def base_url(settings: Settings) -> str:
    """The ingress' URL without a path."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def callback_url(settings: Settings) -> str:
    """The URL that callbacks are posted to, without a token."""
    return base_url(settings) + settings.path


def secret_callback_url(settings: Settings) -> str:
    """The URL that callbacks are posted to, with a token at its end where the settings ask for one.

    Raises:
        OriginError: the tokens cannot be read.
    """
    asked = any(VERIFIERS[name].takes_token for names in settings.origin or () for name in names)
    token = f"/{keyring.read(settings, 'url_tokens')[0]}" if asked else ""
    return callback_url(settings) + token

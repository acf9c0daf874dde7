"""Which verifiers there are. A new one is a file of its own, and its settings and its name here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from ingest.origin import kie, standard_webhooks, timestamped_hmac
from ingest.origin.kie import Kie, KieSettings
from ingest.origin.standard_webhooks import StandardWebhooks, StandardWebhooksSettings
from ingest.origin.timestamped_hmac import TimestampedHmac, TimestampedHmacSettings
from ingest.origin.url_token import UrlToken, UrlTokenSettings
from ingest.origin.verifier import Outgoing, Verifier


class VerifierSettings(UrlTokenSettings, StandardWebhooksSettings, KieSettings, TimestampedHmacSettings):
    """The settings of all verifiers."""


class Kind(NamedTuple):
    """A kind of verifier: what makes one of settings and secrets, and which setting has the secrets.

    ``make`` raises ValueError where a secret cannot be used. ``sign`` makes the headers of a callback with a secret,
    as a sender does; None where nothing is signed. ``takes_token``: callbacks may be posted to ``<path>/<token>``.
    """

    make: Callable[[VerifierSettings, Sequence[str]], Verifier]
    secrets: str
    sign: Callable[[VerifierSettings, str, Outgoing], Mapping[str, str]] | None = None
    takes_token: bool = False


VERIFIERS: Final[Mapping[str, Kind]] = {
    "url-token": Kind(UrlToken, "url_tokens", takes_token=True),
    "standard-webhooks": Kind(StandardWebhooks, "standard_webhooks_keys", standard_webhooks.sign),
    "kie": Kind(Kie, "kie_keys", kie.sign),
    "timestamped-hmac": Kind(TimestampedHmac, "timestamped_hmac_keys", timestamped_hmac.sign),
}
"""Every kind by its name in `MIDI_INGEST_ORIGIN`."""

"""Settings of who may send."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from ingest.blank import blank_is_unset
from ingest.origin.addresses import Network, networks, no_everybody
from ingest.origin.registry import VERIFIERS, VerifierSettings

NONE: Final = "none"

Alternatives = tuple[tuple[str, ...], ...]
"""Names of verifiers: one of the alternatives has to hold, and in it all of its verifiers."""


def _alternatives(value: object) -> object:
    """`a,b+c` as its parts; `none` has no alternative at all."""
    if not isinstance(value, str):
        return value
    if value.strip() == NONE:
        return ()
    alternatives = tuple(tuple(name.strip() for name in part.split("+")) for part in value.split(","))
    if not all(name in VERIFIERS for names in alternatives for name in names):
        raise ValueError(
            f"expected verifiers ({', '.join(VERIFIERS)}), alternatives separated by commas, those that must "
            f"hold together joined by +, as in standard-webhooks,kie+url-token; or {NONE}"
        )
    return alternatives


class OriginSettings(VerifierSettings):
    """Which verifiers a callback must pass, and from which addresses it may come."""

    model_config = ConfigDict(hide_input_in_errors=True)

    origin: Annotated[
        Alternatives | None, NoDecode, BeforeValidator(_alternatives), BeforeValidator(blank_is_unset)
    ] = Field(
        default=None,
        description="Verifiers of callbacks: alternatives separated by commas, in each all joined by +; "
        "`none` verifies nothing. May be unset only while the ingress is bound to loopback.",
    )
    allowed_addresses: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(networks)] = Field(
        default=(),
        description="Addresses and CIDR ranges that callbacks may come from, by commas; empty: all.",
    )
    trusted_proxies: Annotated[
        tuple[Network, ...], NoDecode, BeforeValidator(networks), AfterValidator(no_everybody)
    ] = Field(
        default=(),
        description="Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed, by commas.",
    )

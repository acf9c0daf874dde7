"""Settings of who may send."""

from __future__ import annotations

import difflib
from itertools import chain
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from ingest.given import quoted
from ingest.origin.addresses import Network, networks, no_everybody
from ingest.origin.registry import VERIFIERS, VerifierSettings
from telemetry.settings import blank_is_unset

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
    for name in chain.from_iterable(alternatives):
        if name not in VERIFIERS:
            raise ValueError(
                f"{_what_is_wrong_with(name)} Expected verifiers ({', '.join(VERIFIERS)}), alternatives separated by "
                f"commas, those that must hold together joined by +, as in standard-webhooks,kie+url-token; or {NONE}"
            )
    return alternatives


def _what_is_wrong_with(name: str) -> str:
    """In words, with the name that may be meant; no secret belongs in this setting, so it may be quoted."""
    if not name:
        return "A name is missing before or after a comma or +."
    if name == NONE:
        return f"{NONE} stands alone: beside it, all others would verify nothing."
    near = difflib.get_close_matches(name.lower(), VERIFIERS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{quoted(name)} is no verifier.{hint}"


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

"""Addresses that cannot be bound."""

from __future__ import annotations

from ingest.settings import IngressSettings
from telemetry.health import why_not_bound


def refusal(settings: IngressSettings, error: OSError) -> str:
    """What is said where the address in the settings cannot be bound, and what to do."""
    return (
        f"Cannot listen on {settings.host}:{settings.port}: {why_not_bound(error)}. "
        "Set MIDI_INGEST_HOST to an address or name of this machine, and MIDI_INGEST_PORT to a port that is free."
    )

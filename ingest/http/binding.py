"""Addresses that cannot be bound."""

from __future__ import annotations

import os

from ingest.settings import IngressSettings


def refusal(settings: IngressSettings, error: OSError) -> str:
    """What is said where the address in the settings cannot be bound, and what to do."""
    # A number below 0 is of the look-up of a name; uvloop's own words name the address once more.
    why = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror
    return (
        f"Cannot listen on {settings.host}:{settings.port}: {why}. "
        "Set MIDI_INGEST_HOST to an address or name of this machine, and MIDI_INGEST_PORT to a port that is free."
    )

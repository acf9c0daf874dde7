"""What all tests share: no setting of the person who runs them reaches a test."""

from __future__ import annotations

import os

import pytest

_OURS = "MIDI_INGEST_TEST_"


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """A setting in the environment may point at production; what is meant for tests begins with our own prefix."""
    for name in list(os.environ):
        if name == "KAFKA_BOOTSTRAP_SERVERS" or (
            name.startswith("MIDI_INGEST_") and not name.startswith(_OURS)
        ):
            del os.environ[name]

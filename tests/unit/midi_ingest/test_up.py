"""What `midi-ingest up` tells its user to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker import security
from midi_ingest.commands import up
from midi_ingest.settings import Settings, load

TOKEN = "swordfish-0123456789"  # noqa: S105 - a test's


def test_what_send_needs_elsewhere_is_told_without_its_secrets() -> None:
    settings = Settings.model_validate(
        {
            "port": 8090,
            "kafka_bootstrap_servers": "127.0.0.1:9192",
            "origin": "url-token",
            "url_tokens": TOKEN,
        }
    )
    assert up._other_settings(settings) == "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9192 MIDI_INGEST_PORT=8090 "
    assert "MIDI_INGEST_ORIGIN and its secrets" in up._origin(settings)
    assert TOKEN not in up._origin(settings)
    assert up._origin(Settings()) == ""


def test_its_parts_reach_its_own_kafka_whatever_is_set_for_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secure = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "anna",
        "KAFKA_SASL_PASSWORD": "swordfish",
    }
    for name, value in secure.items():
        monkeypatch.setenv(name, value)
    part, *_ = up._parts(Settings(), tmp_path)
    for name in secure:
        monkeypatch.setenv(name, part._env[name])
    assert security.client_options(load()) == {}

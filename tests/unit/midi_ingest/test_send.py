"""`midi-ingest send`, to an ingress that wants its origin proved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingest.origin.registry import VERIFIERS
from midi_ingest.commands.send import send
from tests.unit.ingest.origin.senders import SECRETS, TOKEN
from tests.unit.ingest.wire import Published, running


@pytest.fixture(autouse=True)
def _no_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.logs.configure", lambda *_: None)  # it would hold for all tests


async def sent(monkeypatch: pytest.MonkeyPatch, port: int, settings: dict[str, Any], **options: Any) -> int:
    """The exit code of the command, with these settings in its environment."""
    for field, value in {**settings, "port": port}.items():
        monkeypatch.setenv(f"MIDI_INGEST_{field.upper()}", str(value))
    return await asyncio.to_thread(send, **options)


@pytest.mark.parametrize("origin", [*VERIFIERS, "kie+url-token", "standard-webhooks,kie+url-token"])
async def test_callbacks_are_signed_as_the_settings_ask_for(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    settings: dict[str, Any] = {"origin": origin}
    for name in origin.replace(",", "+").split("+"):
        settings |= SECRETS[name]
    published = Published()
    async with running(published, max_body_bytes=2**20, **settings) as port:
        assert await sent(monkeypatch, port, settings, count=3, notes=5) == 0
        assert await sent(monkeypatch, port, settings, malformed=2) == 0
    assert len([record for record in published.records if record.topic == "midi.callbacks"]) == 4


async def test_why_a_callback_was_refused_is_told_and_no_secret_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {"origin": "timestamped-hmac", **SECRETS["timestamped-hmac"]}
    ours = theirs | {"timestamped_hmac_keys": "another-swordfish-0123"}
    async with running(Published(), **theirs) as port:
        assert await sent(monkeypatch, port, ours, count=2) == 1
    out, error = capsys.readouterr()
    assert "2 answered 401; " in out
    assert error == "2 refused: 401: Expected a signature of this body, made with an active key.\n"


async def test_a_refusal_of_another_url_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(Published()) as port:
        elsewhere = f"http://127.0.0.1:{port}/{TOKEN}"
        assert await sent(monkeypatch, port, {}, url=elsewhere) == 1
    assert "1 refused: 404: There is nothing at this path." in capsys.readouterr().err


async def test_a_key_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"origin": "standard-webhooks", "standard_webhooks_keys": "whsec_swordfish"}
    assert await sent(monkeypatch, 1, settings) == 2
    error = capsys.readouterr().err
    assert error.startswith("midi-ingest: MIDI_INGEST_STANDARD_WEBHOOKS_KEYS: ")
    assert "swordfish" not in error

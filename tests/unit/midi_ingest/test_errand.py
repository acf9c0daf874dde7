"""What stops a command that asks Kafka something."""

from __future__ import annotations

import os
from errno import ENOSPC

import pytest

from midi_ingest import errand
from midi_ingest.settings import Settings


def failing(error: Exception) -> object:
    async def work(_: Settings) -> int:
        raise error

    return errand.run("test", work)


@pytest.fixture(autouse=True)
def _logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.logs.configure", lambda *_: None)  # it would hold for all tests


def test_a_network_that_fails_is_kafkas(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(ConnectionRefusedError("nobody is there")) == 1
    assert "does not answer, or refuses: nobody is there" in capsys.readouterr().err


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(ENOSPC, os.strerror(ENOSPC))])
def test_output_that_goes_nowhere_is_no_fault_of_kafka(error: OSError) -> None:
    with pytest.raises(type(error)):
        failing(error)

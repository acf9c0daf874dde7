"""The other readers, made ready once a session; at its end is told which of them ran, and why others could not."""

from __future__ import annotations

from typing import Final

import pytest

from tests.conformance.reader import Reader
from tests.conformance.set_up import READERS, Unavailable, ready

_TOLD: Final = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session", params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    """Each reader; where it cannot run, its tests are skipped."""
    config, name = request.config, request.param
    told = config.stash.setdefault(_TOLD, {})
    told[name] = "could not be made ready"
    try:
        command = ready(name, config.cache.mkdir("conformance"))
    except Unavailable as reason:
        told[name] = f"DID NOT RUN: {reason}"
        pytest.skip(str(reason))
    told[name] = "ran"
    return Reader(name, command)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which readers ran."""
    told = config.stash.get(_TOLD, {})
    if told:
        terminalreporter.section("readers")
    for name, what in told.items():
        terminalreporter.line(f"{name}: {what}")

"""The other readers, made ready once a session; at its end is told which of them ran, and why others could not.

Where none did, nothing was shown, and the session fails.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.conformance.fetching import Unavailable
from tests.conformance.reader import Reader
from tests.conformance.set_up import READERS, ready

_RAN: Final = "ran"
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
    told[name] = _RAN
    return Reader(name, command)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where readers were asked for and none ran."""
    told = session.config.stash.get(_TOLD, {})
    if told and _RAN not in told.values():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which readers ran."""
    told = config.stash.get(_TOLD, {})
    if told:
        terminalreporter.section("readers")
    for name, what in told.items():
        terminalreporter.line(f"{name}: {what}")
    if told and _RAN not in told.values():
        terminalreporter.line("No reader ran: install one of them, or reach a registry.", red=True)

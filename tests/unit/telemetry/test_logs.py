"""What the logs show, and what they never do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Literal

import pytest

PROGRAM = """
import logging, sys
from telemetry import logs
from telemetry.settings import TelemetrySettings

logs.configure(TelemetrySettings(log_level=sys.argv[1]), "test")
logging.getLogger("aiokafka.conn").debug("Request to broker: %s", "what was posted")
logs.logger().debug("a detail")
"""


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_level_shows_what_is_in_the_records(level: Literal["debug", "info"]) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True)
    assert "what was posted" not in ended.stderr
    assert ("a detail" in ended.stderr) is (level == "debug")


NUMBERED = """
import json, logging, sys, threading
from telemetry import logs
from telemetry.settings import TelemetrySettings

logs.configure(TelemetrySettings(log_format=sys.argv[1]), "ingest", process=2)
logs.logger().warning("ours")
logging.getLogger("library").warning("a library's")
thread = threading.Thread(target=lambda: logs.logger().warning("a thread's"))
thread.start()
thread.join()
"""


def lines(log_format: str) -> list[str]:
    """The log of that program, written to where no terminal is."""
    command = [sys.executable, "-c", NUMBERED, log_format]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()


def test_every_line_tells_whose_it_is_also_those_of_libraries_and_threads() -> None:
    told = [json.loads(line) for line in lines("json")]
    assert [line["event"] for line in told] == ["ours", "a library's", "a thread's"]
    assert {(line["component"], line["process"]) for line in told} == {("ingest", 2)}


def test_lines_for_people_have_colours_on_a_terminal_only() -> None:
    shown = lines("console")
    assert len(shown) == 3
    assert all("component=ingest process=2" in line for line in shown)
    assert "\x1b" not in "".join(shown)

"""What the logs show, and what they never do."""

from __future__ import annotations

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

"""What hostile files take, measured in processes of their own; docs/inspect.md has what the largest take."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a child took is told as on Linux")


def test_no_file_takes_more_than_its_events_do_and_no_picture_more_than_is_seen() -> None:
    names = ("notes without an end", "tempos", "parts with long names")
    command = [sys.executable, "-m", "bench.inspection", "--json", "--events", "50000", *names]
    rows: list[dict[str, Any]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert len(rows) == 3
    for row in rows:
        assert max(row["peak_mib"], row["table_peak_mib"]) < 95
        assert row["svg_bytes"] < 50_000

"""Memory, however hostile a body is: measured in processes of their own, with all that allocators keep."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")


def measured(mib: float, *names: str) -> list[dict[str, Any]]:
    """Two rows for each hostile body, one by each way of the music."""
    command = [sys.executable, "-m", "bench.music.adversaries", "--json", "--mib", str(mib), *names]
    rows: list[dict[str, Any]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return rows


def test_no_body_takes_more_than_60_times_its_size_and_all_end_alike_by_both_ways() -> None:
    rows = measured(0.51)
    assert [row for row in rows if row["bodies"] > 60] == []
    assert len({(row["adversary"], row["ends_as"]) for row in rows}) == len(rows) / 2
    assert {"too-large", "invalid-payload"} < {row["ends_as"] for row in rows}


@pytest.mark.parametrize(
    ("mib", "worst"),
    [
        (0.49, "nested arrays elsewhere"),  # as many as there may be
        (1, "objects of one field in each other"),
        (1.7, "objects of one field in each other"),
        (2.05, "objects of one field, and fields"),
        (3, "objects of one field, and fields"),
        (3, "a name of all words"),
    ],
)
def test_nor_do_the_worst_where_they_are_at_their_worst(mib: float, worst: str) -> None:
    rows = measured(mib, worst)
    assert [row for row in rows if row["bodies"] > 60] == []
    assert max(row["bodies"] for row in rows) > 15

"""What is measured of a process is measured of those that it has started, too."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from bench.processes import cpu_seconds

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
PATIENCE_SECONDS = 60


def test_the_cpu_time_of_children_counts() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT])
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while cpu_seconds(parent.pid) < _own(parent.pid) + 0.2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        for child in psutil.Process(parent.pid).children():
            child.kill()
        parent.kill()
        parent.wait()


def _own(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)

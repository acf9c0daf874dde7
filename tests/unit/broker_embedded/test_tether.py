"""A child that is tied to its parent dies with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from broker.embedded import tether

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = f"""
import subprocess, time
from broker.embedded.tether import tied_to_this_process
child = subprocess.Popen(tied_to_this_process({SLEEP!r}), start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")


def test_a_parent_killed_outright_takes_its_child_along() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_child_becomes_the_command_and_keeps_its_process_id() -> None:
    script = "import os, sys; print(os.getpid(), sys.argv[1])"
    command = tether.tied_to_this_process([sys.executable, "-c", script, "an argument"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.read().split(" ", 1) == [str(child.pid), "an argument\n"]


def test_a_child_whose_parent_is_gone_before_it_was_tied_does_not_run() -> None:
    gone = 2**22 + 1
    command = [sys.executable, tether.__file__, str(gone), *SLEEP]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    assert f"process {gone} ended before its child had started" in result.stderr


def test_elsewhere_than_on_linux_the_command_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert tether.tied_to_this_process(["java", "-version"]) == ["java", "-version"]


def test_the_tie_names_this_process() -> None:
    assert str(os.getpid()) in tether.tied_to_this_process(["java"])

"""Stacks become shares of steps."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bench.ingress.steps import STEPS, count

ROOT = Path(__file__).parents[3]
ROOTS = (ROOT, Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib")))

RUNNER = ("/usr/lib/python3.11/asyncio/runners.py", "run")


def _stack(*frames: tuple[str, str]) -> str:
    lines = (f'  File "{file}", line 7 in {function}\n' for file, function in frames)
    return "Stack (most recent call first):\n" + "".join(lines)


@pytest.mark.parametrize(
    ("frames", "step"),
    [
        ([RUNNER], "loop and kernel"),
        ([("/app/ingest/http/body.py", "read"), ("/app/ingest/callbacks.py", "receive"), RUNNER], "read"),
        ([("/usr/lib/hmac.py", "digest"), ("/app/ingest/origin/signature.py", "check"), RUNNER], "verify"),
        ([("/app/ingest/callbacks.py", "_verify_head"), RUNNER], "verify"),
        ([("/app/ingest/callbacks.py", "receive"), RUNNER], "route, count and the rest"),
        ([("/app/broker/compression.py", "_zstd_encode"), ("/x/aiokafka/a.py", "f"), RUNNER], "compress"),
        ([("/x/somewhere.py", "else")], "route, count and the rest"),
    ],
)
def test_the_innermost_frame_that_belongs_to_a_step_decides(frames: list[tuple[str, str]], step: str) -> None:
    assert count(_stack(*frames)) == {step: 1}


def test_what_is_logged_between_stacks_is_no_stack() -> None:
    log = f"half of a line\n{_stack(RUNNER)}2026-01-01 listening\n{_stack(RUNNER)}"
    assert count(log) == {"loop and kernel": 2}


@pytest.mark.parametrize("place", [place for places in STEPS.values() for place in places])
def test_every_place_of_a_step_is_there(place: str) -> None:
    where, _, function = place.partition(" ")
    found = next(root / where for root in ROOTS if (root / where).exists())
    assert not function or f"def {function}(" in found.read_text()


def test_a_profiled_command_writes_its_stacks() -> None:
    command = [sys.executable, "-m", "bench.servers.profiled", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "midi-ingest" in ended.stdout
    assert count(ended.stderr).total() > 0
    assert 'profiled.py", line' in ended.stderr

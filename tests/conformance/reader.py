"""A reader of MIDI files that is not ours, and what it hears."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance import midicsv
from tests.conformance.said import Song, song


@dataclass(frozen=True, slots=True)
class Reader:
    """``command`` prints what the reader finds in the file of which the path follows."""

    name: str
    command: list[str]

    def hears(self, file: Path) -> Song:
        """What is in the file; fails where the reader refuses or bemoans it."""
        done = subprocess.run([*self.command, str(file)], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")
        if self.name == "midicsv":
            return song(midicsv.said(done.stdout))
        return song(iter(done.stdout.decode().splitlines()))

"""numpy is imported with the first long song: a process that has none does without it."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

PROGRAM: Final = """
import sys
import ingest.server, midi_ingest.cli, midi_ingest.commands.up, midi_ingest.commands.worker
from midi_ingest import samples
from workers.music import normalize, smf

for notes in (10, 1000):
    smf.render(normalize.normalize(samples.song("a1", notes), "a1"))
    print("numpy" in sys.modules)
"""


def test_neither_the_command_nor_the_ingress_nor_a_short_song_imports_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]

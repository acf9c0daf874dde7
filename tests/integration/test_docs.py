"""What docs/custom-workers.md tells a reader to type does what it says, beside a whole installation."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

from midi_ingest.settings import Settings
from tests.docs import CUSTOM_WORKERS, blocks, write_files
from tests.installation import environment, installed

RUNS_ON = ".venv/bin/midi-ingest worker"
"""What a reader stops with Ctrl-C."""


async def test_the_commands_on_the_page_work_as_shown(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "my-workers"
    folder.mkdir()
    write_files(CUSTOM_WORKERS, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    async with installed(settings, tmp_path) as installation:
        env = environment(settings) | {"MIDI_INGEST_PORT": str(urlsplit(installation.url).port)}
        running, printed = [], ""
        for block in blocks(CUSTOM_WORKERS):
            if block.language == "text":
                assert printed == block.text
            for line in block.text.splitlines() if (block.language, block.name) == ("sh", "") else ():
                process = await asyncio.create_subprocess_shell(
                    f"exec {line}", cwd=folder, env=env, stdout=asyncio.subprocess.PIPE
                )
                if line.startswith(RUNS_ON):
                    running.append(process)
                    continue
                output, _ = await asyncio.wait_for(process.communicate(), 60)
                printed = output.decode()
                assert process.returncode == 0, (line, printed)
        for process in running:
            process.terminate()
            assert await process.wait() == 0
    assert len(running) == 1

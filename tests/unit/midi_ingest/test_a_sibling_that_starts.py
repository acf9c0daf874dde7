"""The supervisor of several ingress processes, where it and a signal are in each other's way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from midi_ingest.siblings import _Sibling

PATIENCE_SECONDS = 20


@pytest.mark.parametrize("deaths", [0, 1])
async def test_a_process_that_is_being_started_when_all_must_end_ends_too(
    tmp_path: Path, deaths: int
) -> None:
    """Whether it is the first, or one that takes the place of one that died."""
    sibling = _Sibling(1, str(tmp_path))
    running = asyncio.create_task(sibling.run())
    for _ in range(deaths):
        first = await started(sibling)
        first.kill()
        await first.wait()
    await asyncio.sleep(0)  # it is being started, but not there yet
    assert sibling._process is None or sibling._process.returncode is not None

    async with asyncio.timeout(PATIENCE_SECONDS):
        await sibling.stop(PATIENCE_SECONDS)
        await running
    assert sibling._process is not None
    assert sibling._process.returncode is not None


async def started(sibling: _Sibling) -> asyncio.subprocess.Process:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sibling._process is None:
            await asyncio.sleep(0.01)
    return sibling._process

"""When a lane counts as stuck: it has something to do, waits for nothing that is known, and takes no step."""

from __future__ import annotations

import asyncio

import pytest

from workers.runtime.progress import FENCED, OPENING, PAUSED, READY, WAITING, Progress


def look(progress: Progress, *, busy: bool = True) -> float:
    """Ten seconds pass; for how long the lane has been stuck then."""
    progress.passed(10, busy=busy)
    return progress.stuck_seconds


def test_a_lane_that_takes_no_step_is_stuck_until_it_takes_one() -> None:
    progress = Progress()
    progress.becomes(READY)
    assert [look(progress) for _ in range(3)] == [0, 10, 20]
    progress.step()
    assert [look(progress) for _ in range(2)] == [0, 10]


def test_a_lane_with_nothing_to_do_is_not_stuck() -> None:
    progress = Progress()
    progress.becomes(READY)
    assert [look(progress, busy=False) for _ in range(3)] == [0, 0, 0]
    assert look(progress) == 10


@pytest.mark.parametrize("state", [WAITING, PAUSED, FENCED])
def test_a_lane_that_tries_again_in_vain_is_not_stuck_unless_it_stops_trying(state: str) -> None:
    progress = Progress()
    stuck = []
    for _ in range(3):
        progress.becomes(state, "(the disk is full)")
        stuck.append(look(progress))
    assert stuck == [0, 0, 0]
    assert [look(progress) for _ in range(2)] == [10, 20]


def test_a_lane_that_never_gets_open_is_stuck() -> None:
    progress = Progress()
    progress.becomes(OPENING)
    assert [look(progress) for _ in range(3)] == [0, 10, 20]


def test_a_restore_is_stuck_only_while_it_stands_still() -> None:
    progress = Progress()
    stuck = []
    for done in (0, 450, 900, 900, 900):
        progress.restores(done, 1000)
        stuck.append(look(progress))
    assert stuck == [0, 0, 0, 10, 20]
    assert str(progress) == "restoring 90 %"
    progress.becomes(READY)
    assert (str(progress), look(progress)) == ("ready", 0)


async def test_a_lane_that_waits_for_its_turn_among_the_others_is_not_stuck() -> None:
    progress, gate = Progress(), asyncio.Semaphore(1)
    progress.becomes(READY)
    look(progress)

    async def work() -> list[float]:
        async with progress.admitted(gate):
            return [look(progress), look(progress)]

    async with gate:
        working = asyncio.create_task(work())
        await asyncio.sleep(0)
        assert [look(progress), look(progress)] == [0, 0]
    assert await working == [10, 20]

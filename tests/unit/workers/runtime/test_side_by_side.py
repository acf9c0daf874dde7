"""A suspect call has the process to itself."""

from __future__ import annotations

import asyncio

from workers.runtime.side_by_side import SideBySide


async def test_calls_run_side_by_side_but_a_suspect_one_alone() -> None:
    side_by_side, inside, seen = SideBySide(), set[str](), list[set[str]]()

    async def call(name: str, *, alone: bool = False) -> None:
        async with side_by_side.alone() if alone else side_by_side.together():
            inside.add(name)
            await asyncio.sleep(0)
            seen.append(set(inside))
            inside.remove(name)

    await asyncio.gather(call("a"), call("b"), call("suspect", alone=True), call("c"), call("d"))
    assert {"suspect"} in seen
    assert all(together == {"suspect"} for together in seen if "suspect" in together)
    assert {"a", "b"} in seen


async def test_one_that_gives_up_waiting_for_others_lets_them_go_on() -> None:
    side_by_side = SideBySide()
    async with side_by_side.together():
        suspect = asyncio.create_task(side_by_side.alone().__aenter__())
        await asyncio.sleep(0)
        suspect.cancel()
        await asyncio.wait([suspect])
    async with asyncio.timeout(1), side_by_side.alone():
        pass

"""When a lane pauses, and when it goes on."""

from __future__ import annotations

import asyncio

import pytest

from telemetry import metrics
from workers.runtime.flood import Flood


def paused() -> float:
    return float(metrics.PAUSED.labels("flooded", "0")._value.get())


def note(flood: Flood, *ends: bool | None) -> None:
    for well in ends:
        flood.note(well=well)


def test_only_failures_in_a_row_make_a_flood() -> None:
    flood = Flood("flooded", 0, 3)
    note(flood, False, False, True, False, False)
    assert not flood.rising
    note(flood, False)
    assert flood.rising
    assert paused() == 1


def test_what_a_record_is_rejected_for_neither_makes_nor_ends_a_flood() -> None:
    flood = Flood("flooded", 0, 3)
    note(flood, None, None, None, None)
    assert not flood.rising
    note(flood, False, None, False, None, False, None)
    assert flood.rising


def test_one_success_ends_it() -> None:
    flood = Flood("flooded", 0, 2)
    note(flood, False, False, True)
    assert not flood.rising
    assert paused() == 0


async def test_in_a_flood_one_passes_at_a_time_after_a_pause_that_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    flood, inside = Flood("flooded", 0, 1), 0
    note(flood, False)

    async def pass_through() -> None:
        nonlocal inside
        async with flood.gate():
            inside += 1
            assert inside == 1
            inside -= 1

    await asyncio.gather(*(pass_through() for _ in range(9)))
    assert slept == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]

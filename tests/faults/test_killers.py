"""Records that kill the process that reads them are found and become dead letters; the others are handled once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from broker.embedded import EmbeddedKafka
from schemas import headers as h
from schemas import reasons
from schemas.topics import DEAD_LETTER
from tests.faults import counting
from tests.faults.counting import WordLedger, kept_running, made_settings, member
from tests.topics import read_all
from workers.runtime.deadlines import EXIT_OVER_DEADLINE

KAFKA = counting.KAFKA
MOST_DEATHS = 4
"""The fifth within a minute would stop `midi-ingest up`."""

ENDLESS = {"spin", "backtrack"}
"""Those that do not return."""

KILLERS = os.environ.get("MIDI_INGEST_TEST_KILLERS", "segfault").split(",")


@pytest.mark.parametrize("killer", KILLERS)
async def test_a_record_that_kills_its_process_becomes_a_dead_letter_and_all_others_are_handled_once(
    kafka: EmbeddedKafka, tmp_path: Path, killer: str
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger = WordLedger(settings)
    deadline = "1" if killer in ENDLESS else "60"
    process = member(
        settings, tmp_path, "count", "route-failures", MIDI_INGEST_CALL_DEADLINE_SECONDS=deadline
    )
    async with kept_running(process) as codes:
        await ledger.send_numbers(200)
        await ledger.some_more(100)
        await ledger.send([*numbers(200, 240), ("key-3", f"{killer}-it"), *numbers(240, 400)])
        await ledger.all_out(process)
        deaths = list(codes)
    await ledger.check_once(dead={f"{killer}-it"})
    (letter,) = await read_all(settings, DEAD_LETTER)
    assert letter.headers[h.ERROR_REASON] == reasons.KILLED_WORKER
    assert len(deaths) <= MOST_DEATHS, deaths
    if killer == "spin":
        assert set(deaths) == {EXIT_OVER_DEADLINE}
    print(f"{killer}: {len(deaths)} deaths")  # noqa: T201 - a figure of a long run


def numbers(first: int, end: int) -> list[tuple[str, str]]:
    return [(f"key-{n % 10}", f"{n}") for n in range(first, end)]

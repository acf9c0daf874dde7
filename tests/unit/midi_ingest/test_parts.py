"""Parts of a local installation: what is said of those that end."""

from __future__ import annotations

import signal

import pytest

from midi_ingest.parts import DEATHS, Deaths, PartError, ending


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "store ended (exit code 0); starting it again"),
        (1, "store died (exit code 1); starting it again"),
        (-signal.SIGKILL, "store died (killed by SIGKILL); starting it again"),
    ],
)
def test_what_ended_well_is_told_from_what_died(code: int, said: str) -> None:
    told: list[str] = []
    Deaths("store", told.append).count(ending(code), str)
    assert told == [said]


def test_what_ends_too_often_stops_with_an_explanation() -> None:
    deaths = Deaths("store", str)
    for _ in range(DEATHS - 1):
        deaths.count(ending(1), str)
    with pytest.raises(PartError, match=r"^store died 5 times within 60 s\.\nThe end of its log\.$"):
        deaths.count(ending(1), lambda: "The end of its log.")

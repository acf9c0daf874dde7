"""What stands beside a committed offset, and what the next owner of a lane makes of it."""

from __future__ import annotations

import uuid

import pytest

from workers.runtime import mark
from workers.runtime.mark import LIMIT, Mark, found


def died(text: str, monkeypatch: pytest.MonkeyPatch) -> Mark:
    """What the next process finds."""
    monkeypatch.setattr(mark, "PROCESS", uuid.uuid4().hex[:12])
    return found(text)


def test_nothing_beside_an_offset_speaks_against_nobody() -> None:
    assert found("") == Mark()
    assert found("somebody else's") == Mark()
    assert Mark().text == ""


def test_each_process_that_dies_of_a_batch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Mark()
    for deaths in range(1, LIMIT + 1):
        known = died(known.trying(until=20).text, monkeypatch)
        assert (known.tries, known.careful) == (deaths, deaths == LIMIT)


def test_a_process_that_opens_its_lane_anew_does_not_count_itself() -> None:
    assert found(Mark().trying(until=20).text) == Mark(0, 20)
    careful = Mark(LIMIT, 20)
    assert found(careful.trying(until=11).text) == careful


def test_a_record_that_was_alone_is_known_to_have_killed_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    careful = Mark(LIMIT, 20)
    assert died(careful.trying(until=11).text, monkeypatch).alone
    assert not died(careful.text, monkeypatch).alone


def test_a_lane_is_careful_as_far_as_the_batch_went_that_was_tried_last() -> None:
    careful = Mark(LIMIT, 20)
    assert careful.after(19).careful
    assert careful.after(20) == Mark()
    assert Mark(LIMIT - 1, 20).after(1) == Mark()


def test_being_careful_outlives_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    careful = Mark(LIMIT, 20).after(10)
    assert died(careful.text, monkeypatch) == careful

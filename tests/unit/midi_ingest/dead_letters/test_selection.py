"""Which letters are meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from midi_ingest.dead_letters.selection import EVERY_LETTER, Selection, oldest, require, scope, strangers
from midi_ingest.errand import Usage
from midi_ingest.process import Stopped
from tests.unit.midi_ingest.dead_letters.letters import letter
from tests.unit.midi_ingest.kafka_records import NOON_MS

NOON = datetime(2025, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(reason=("too-large", "unexpected-error")), True),
        (Selection(reason=("too-large",)), False),
        (Selection(reason=("unexpected-error",), worker=("render",)), False),
        (Selection(worker=("normalize",), task=("task",)), True),
        (Selection(task=("other",)), False),
        (Selection(since=NOON), True),
        (Selection(until=NOON), False),
        (Selection(since=NOON.replace(second=1)), False),
        (Selection(until=NOON.replace(second=1)), True),
    ],
)
def test_a_letter_is_taken_if_every_option_fits(selection: Selection, taken: bool) -> None:
    assert selection.takes(letter()) is taken


def test_ids_take_these_letters_only_however_they_are_written() -> None:
    meant = scope(["0:7", "0:007", "1:2"], EVERY_LETTER, everything=False)
    assert meant.ids == ("0:7", "1:2")
    assert meant.takes(letter("0:7"))
    assert not meant.takes(letter("0:8"))


@pytest.mark.parametrize(
    ("ids", "selection", "everything"),
    [
        ([], EVERY_LETTER, False),
        (["0:1"], EVERY_LETTER, True),
        (["0:1"], Selection(task=("a",)), False),
        ([], Selection(task=("a",)), True),
        (["bogus"], EVERY_LETTER, False),
    ],
)
def test_what_changes_something_wants_to_be_told_one_scope(
    ids: list[str], selection: Selection, everything: bool
) -> None:
    with pytest.raises(Usage):
        scope(ids, selection, everything=everything)


def test_everything_is_taken_only_where_that_is_said() -> None:
    assert scope([], EVERY_LETTER, everything=True).takes(letter("5:9"))


def test_an_id_that_no_letter_has_is_named() -> None:
    meant = scope(["0:1", "0:2"], EVERY_LETTER, everything=False)
    require(meant, [letter("0:1"), letter("0:2")])
    with pytest.raises(Stopped, match="0:2"):
        require(meant, [letter("0:1")])


PICKY = [letter("0:1", worker="picky"), letter("0:2", worker="normalize"), letter("0:3", worker="")]


def test_a_worker_that_no_letter_is_of_is_told_with_those_that_there_are() -> None:
    told = "No letter is of pickyy; there are letters of normalize, picky."
    assert strangers(Selection(worker=("picky", "pickyy")), PICKY) == told
    with pytest.raises(Stopped, match=re.escape(told)):
        require(scope([], Selection(worker=("pickyy",)), everything=False), PICKY)
    recent = Selection(worker=("a", "b"), since=NOON)
    assert strangers(recent, []) == "No letter of this time is of a or b; there are none at all."


def test_a_worker_with_a_letter_and_one_that_is_known_may_be_asked_for() -> None:
    assert strangers(Selection(worker=("picky", "normalize")), PICKY) == ""
    require(scope([], Selection(worker=("picky", "render")), everything=False), PICKY)
    require(scope([], EVERY_LETTER, everything=True), PICKY)


def test_a_limit_takes_the_oldest_wherever_they_lie() -> None:
    letters = [
        letter("0:5", timestamp_ms=NOON_MS + 2),
        letter("1:9", timestamp_ms=NOON_MS),
        letter("0:4", timestamp_ms=NOON_MS + 1),
    ]
    assert [x.id for x in oldest(letters, 2)] == ["1:9", "0:4"]
    assert len(oldest(letters, None)) == 3

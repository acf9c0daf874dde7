"""How repairs become warnings."""

from __future__ import annotations

from schemas.score import Warning as ScoreWarning
from workers.music.repairs import Repairs


def test_without_a_repair_there_is_no_warning() -> None:
    assert Repairs().warnings() == []


def test_repairs_are_counted_by_code_in_the_order_in_which_codes_came_up() -> None:
    repairs = Repairs()
    repairs.add("zero-length", (2, 17))
    repairs.add("no-notes", (3,))
    repairs.add("zero-length", (2, 18))
    assert repairs.warnings() == [
        ScoreWarning("zero-length", 2, "instruments[2].notes[17]"),
        ScoreWarning("no-notes", 1, "instruments[3]"),
    ]


def test_the_example_is_the_first_as_received_whatever_was_found_first() -> None:
    repairs = Repairs()
    for place in [(2, 10), (2, 9), (10, 0), (3, 1)]:
        repairs.add("overlap-trimmed", place)
    assert repairs.warnings() == [ScoreWarning("overlap-trimmed", 4, "instruments[2].notes[9]")]


def test_what_concerns_all_instruments_names_them() -> None:
    repairs = Repairs()
    repairs.add("no-instruments", ())
    assert repairs.warnings() == [ScoreWarning("no-instruments", 1, "instruments")]

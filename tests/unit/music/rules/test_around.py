"""What is around the notes: absent, odd, too many."""

from __future__ import annotations

import pytest

from schemas.score import Instrument
from tests.unit.music.rules.songs import A_SECOND, found, instrument, note, scored, scored_as, seats, silent
from workers.music.errors import TooLarge

FLUTE = Instrument("Flute", 73, False, 1, 1, [A_SECOND])


@pytest.mark.parametrize("instruments", ["null", "[]"])
def test_without_instruments_the_score_is_empty(instruments: str) -> None:
    score = scored_as(instruments)
    assert (score.task_id, score.duration, score.instruments) == ("a1", 0, [])
    assert found(score) == {"no-instruments": (1, "instruments")}


@pytest.mark.parametrize("notes", ["", ', "notes": null', ', "notes": []'])
def test_an_instrument_without_notes_stays_without_a_channel(notes: str) -> None:
    score = scored(instrument(note(), name="Flute"), '{"name": "Violin"' + notes + "}")
    assert score.instruments == [FLUTE, silent("Violin", 40, 2)]
    assert found(score) == {"no-notes": (1, "instruments[1]")}


@pytest.mark.parametrize("notes", ["{}", "0", "1", '""', '"x"', '"null"', '"NULL"', "true", "false"])
def test_an_instrument_whose_notes_are_neither_an_array_nor_null_is_dropped(notes: str) -> None:
    score = scored('{"name": "Violin", "notes": ' + notes + "}", instrument(note(), name="Flute"))
    assert score.instruments == [FLUTE]
    assert found(score) == {"not-an-object": (1, "instruments[0]")}


@pytest.mark.parametrize("dropped", ["null", '"null"', "true", "0", "7", '""', '"Violin"', "[]", "[{}]"])
def test_an_instrument_that_is_no_object_is_dropped_and_paths_count_it_still(dropped: str) -> None:
    score = scored(dropped, instrument("7", note(), name="Flute"), dropped, "{}")
    assert score.instruments == [FLUTE, Instrument("", 0, False, None, 2, [])]
    assert found(score) == {
        "not-an-object": (3, "instruments[0]"),
        "no-notes": (1, "instruments[3]"),
        "unknown-instrument": (1, "instruments[3]"),
    }


def test_with_all_instruments_dropped_the_score_is_empty() -> None:
    assert (scored("7").instruments, found(scored("7"))) == ([], {"not-an-object": (1, "instruments[0]")})


def test_an_instrument_whose_notes_are_all_dropped_stays_without_a_channel() -> None:
    score = scored(
        instrument(note(end="-1"), name="Drums"), instrument("7"), instrument(note(), name="Flute")
    )
    assert seats(score) == [(None, 1), (None, 2), (1, 3)]
    assert set(found(score)) == {"negative-length", "not-an-object"}


@pytest.mark.parametrize("name", ["", "null", "7", "40.0", "true", '["Violin"]', '{"name": "Violin"}', '""'])
def test_an_absent_name_is_empty_and_unknown(name: str) -> None:
    field = f'"name": {name}, ' if name else ""
    score = scored(instrument(note(), name="Flute"), f'{{{field}"notes": [{note()}]}}')
    assert score.instruments == [FLUTE, Instrument("", 0, False, 2, 2, [A_SECOND])]
    assert found(score) == {"unknown-instrument": (1, "instruments[1]")}


@pytest.mark.parametrize("one", ["null", "{}", '{"name": "Violin"}'])
def test_1024_instruments_are_a_score_and_1025_are_too_large(one: str) -> None:
    kept = len(scored(*[one] * 1024).instruments)
    assert kept == (0 if one == "null" else 1024)
    with pytest.raises(TooLarge, match="1025"):
        scored(*[one] * 1025)

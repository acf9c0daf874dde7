"""Notes in columns are a sequence of notes like any other."""

from __future__ import annotations

import msgspec
import pytest

from schemas.score import Instrument, Note, Score
from workers.music.columns.notes import Notes, columns_of

LISTED = [Note(0, 960, 60, 127), Note(5, 10, 0, 1), Note(7, 82_944_005, 127, 64)]
NOTES = Notes(columns_of(LISTED))


def score_of(notes: Notes | list[Note]) -> Score:
    return Score(
        task_id="a1", duration=9, warnings=[], instruments=[Instrument("Bass", 33, False, 1, 1, notes)]
    )


def test_they_are_counted_asked_for_and_iterated() -> None:
    assert len(NOTES) == 3
    assert NOTES[1] == LISTED[1]
    assert NOTES[-1] == LISTED[-1]
    assert list(NOTES) == LISTED
    assert NOTES[1:] == LISTED[1:]
    assert [type(number) for note in NOTES for number in note] == [int] * 12
    assert isinstance(NOTES[0], Note)
    with pytest.raises(IndexError):
        NOTES[3]


def test_they_equal_lists_of_the_same_notes_only() -> None:
    assert NOTES == LISTED
    assert LISTED == NOTES
    assert Notes(columns_of(LISTED)) == NOTES
    assert LISTED[:2] != NOTES
    assert tuple(LISTED) != NOTES
    assert score_of(NOTES) == score_of(LISTED)


def test_they_look_like_what_they_hold() -> None:
    assert repr(NOTES[:1]) == f"Notes({LISTED[:1]!r})"


def test_a_score_is_the_same_json_with_them() -> None:
    assert score_of(NOTES).encode() == score_of(LISTED).encode()
    assert Score.decode(score_of(NOTES).encode()) == score_of(NOTES)
    assert score_of(NOTES[:0]).encode() == score_of([]).encode()


def test_what_is_no_note_is_no_part_of_a_score() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        msgspec.structs.replace(score_of([]), task_id=object()).encode()


def test_columns_are_as_they_are_or_made_of_a_list() -> None:
    assert columns_of(NOTES) is NOTES.columns
    assert [column.tolist() for column in columns_of(LISTED)] == list(map(list, zip(*LISTED, strict=True)))
    assert [len(column) for column in columns_of([])] == [0, 0, 0, 0]
    with pytest.raises(OverflowError):
        columns_of([Note(0, 1 << 63, 60, 1)])

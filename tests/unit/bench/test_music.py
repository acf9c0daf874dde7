"""The music's contestants write the song that is measured, and one that would not is found out."""

from __future__ import annotations

import pytest

from bench.music import contest, contestants, steps
from bench.music.song import Song, song
from schemas.dialects import AUTO
from workers.music.normalize import normalize
from workers.music.typed_body import read_typed


@pytest.fixture(scope="module")
def measured() -> Song:
    return song(300)


@pytest.mark.parametrize(
    "writer",
    [
        contestants.mido_from_arrays,
        contestants.symusic_from_arrays,
        contestants.ours_from_arrays,
        contestants.mido_from_body,
        contestants.note_by_note_from_body,
        contestants.ours_from_body,
    ],
)
def test_every_contestant_writes_the_notes_of_the_song(writer: contest.Writer, measured: Song) -> None:
    contest.check(writer, measured)


def test_who_writes_another_song_is_found_out(measured: Song) -> None:
    with pytest.raises(AssertionError, match="other notes"):
        contest.check(lambda _: contestants.ours_from_body(song(299)), measured)


def test_a_song_is_as_documented_needs_no_rule_and_is_the_same_each_time(measured: Song) -> None:
    assert read_typed(measured.body, AUTO) is not None
    assert normalize(measured.body, "t1").warnings == []
    assert song(300).body == measured.body
    assert sum(map(len, measured.heard)) == measured.count == 300


def test_a_row_tells_how_many_times_as_fast_each_contestant_is(measured: Song) -> None:
    times = {"slow": [2.0, 4.0, 9.0], "fast": [1.0, 2.0, 3.0]}
    slow, fast = contest.rows(times, measured, ["slow"])
    assert (slow.ms, fast.ms) == (4000, 2000)
    assert (slow.times_as_fast, fast.times_as_fast) == ({"slow": 1}, {"slow": 2})


def test_all_steps_are_measured(measured: Song) -> None:
    assert all(row.ms > 0 for row in steps.measure(measured, 1))

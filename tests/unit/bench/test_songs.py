"""The callbacks that benchmarks post are as different as a sender's."""

from __future__ import annotations

from itertools import islice

from bench.songs import DISTINCT, Songs
from schemas.dialects import read_envelope


def test_each_body_carries_the_task_id_that_comes_with_it() -> None:
    for task_id, body in islice(Songs(9), 3):
        assert read_envelope(body)[0] == task_id


def test_no_task_id_comes_twice() -> None:
    songs = list(islice(Songs(1), 3 * DISTINCT))
    assert len({task_id for task_id, _ in songs}) == len(songs)


def test_no_two_songs_of_one_turn_have_the_same_notes() -> None:
    notes = {body.partition(b'"instruments"')[2] for _, body in islice(Songs(9), DISTINCT)}
    assert len(notes) == DISTINCT


def test_the_size_of_a_body_is_known_before_it_is_made() -> None:
    songs = Songs(50)
    sizes = [len(body) for _, body in islice(songs, DISTINCT)]
    assert songs.body_bytes == sum(sizes) // DISTINCT

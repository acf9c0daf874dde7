"""Whatever a callback holds, its file is right by the specification, and every reader hears the score's notes in it."""

from __future__ import annotations

from typing import Final

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from schemas.score import Score
from tests.heard import shortened, tracks_of
from tests.smf_checker import check
from tests.unit.music.bodies import CLEAN, DIRTY, FAR, LONG, NAMED, REFUSALS, body
from tests.unit.music.readers import as_symusic_hears, by_mido, by_symusic
from tests.unit.music.ways import by_columns, note_by_note
from tests.unit.schemas.dialects import senders
from workers.music import mido_renderer, smf
from workers.music.errors import InvalidPayload
from workers.music.normalize import normalize

CALLBACKS: Final = st.builds(body, CLEAN | DIRTY | FAR | NAMED | REFUSALS, st.sampled_from(senders.SENDERS))
TASK_IDS: Final = st.text(max_size=300)


def assert_every_reader_hears(score: Score) -> None:
    """That of the one file that both renderers write, in both ways, and of the score's record."""
    with by_columns():
        file = smf.render(score)
        assert smf.render(Score.decode(score.encode())) == file
    with note_by_note():
        assert smf.render(score) == mido_renderer.render(score) == file
    tracks = tracks_of(score)
    song = check(file)
    assert (song.division, song.microseconds_per_quarter, song.name) == (
        480,
        500_000,
        shortened(score.task_id),
    )
    assert song.tracks == tracks
    assert by_mido(file) == tracks
    assert by_symusic(file) == as_symusic_hears(tracks)


def scored(callback: bytes, task_id: str) -> Score:
    """Its score, which is the same in both ways of the music."""
    try:
        with note_by_note():
            score = normalize(callback, task_id)
    except InvalidPayload:
        reject()
    with by_columns():
        assert normalize(callback, task_id) == score
    return score


@settings(max_examples=150)
@given(CALLBACKS, TASK_IDS)
def test_every_reader_hears_every_callbacks_notes(callback: bytes, task_id: str) -> None:
    assert_every_reader_hears(scored(callback, task_id))


@settings(max_examples=40)
@given(LONG)
def test_every_reader_hears_every_long_songs_notes(instruments: str) -> None:
    assert_every_reader_hears(scored(body(instruments), "a-task"))

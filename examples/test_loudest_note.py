"""The loudest note."""

from loudest_note import Loudest, loudest

from midi_ingest import Instrument, Note, Score
from midi_ingest.testing import Harness

NOTES = [Note(0, 10, 60, 50), Note(5, 10, 64, 90), Note(7, 10, 67, 90)]
PIANO = Instrument("Piano", program=0, drums=False, channel=1, track=1, notes=NOTES)


def test_the_first_of_the_loudest_notes_is_written() -> None:
    score = Score(task_id="a", duration=10, warnings=[], instruments=[PIANO])
    assert Harness(loudest).send(score) == [Loudest(instrument="Piano", pitch=64, velocity=90)]


def test_a_song_without_notes_has_none() -> None:
    assert Harness(loudest).send(Score(task_id="a", duration=0, warnings=[], instruments=[])) == []

"""The songs per instrument."""

from songs_per_instrument import Count, Played, Songs, count, tell

from midi_ingest import Instrument, Note, Score
from midi_ingest.testing import Harness


def plays(name: str, notes: int = 1) -> Instrument:
    """An instrument with some notes."""
    return Instrument(name, 0, drums=False, channel=1, track=1, notes=[Note(0, 1, 60, 64)] * notes)


def test_each_instrument_that_plays_is_told_once_under_its_name() -> None:
    harness = Harness(tell)
    players = [plays("Piano"), plays("Flute", notes=0), plays("Bass"), plays("Piano")]
    harness.send(Score(task_id="a", duration=1, warnings=[], instruments=players))
    assert [(w.key, w.message) for w in harness.written] == [
        ("Bass", Played("Bass", "a")),
        ("Piano", Played("Piano", "a")),
    ]


def test_songs_are_counted_by_instrument_also_by_a_process_that_starts_anew() -> None:
    harness = Harness(count)
    assert harness.send(Played("Piano", "a"), key="Piano") == [Songs("Piano", 1)]
    assert harness.send(Played("Bass", "a"), key="Bass") == [Songs("Bass", 1)]
    harness.restart()
    assert harness.send(Played("Piano", "b"), key="Piano") == [Songs("Piano", 2)]
    assert harness.state == {"Piano": Count(2), "Bass": Count(1)}

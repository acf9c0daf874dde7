"""Stateless: writes each song's loudest note to a topic of its own.

midi-ingest topics apply --worker examples/loudest_note.py:loudest
midi-ingest worker examples/loudest_note.py:loudest
"""

from midi_ingest import Message, Score, worker


class Loudest(Message, topic="loudest", kw_only=True):
    """The loudest note of a song; the first of several."""

    instrument: str
    pitch: int
    velocity: int


@worker("loudest-note", reads=Score, writes=Loudest)
def loudest(score: Score) -> Loudest | None:
    """The loudest note of a score; nothing for a score without notes."""
    notes = [(note, instrument.name) for instrument in score.instruments for note in instrument.notes]
    if not notes:
        return None
    note, name = max(notes, key=lambda pair: pair[0].velocity)
    return Loudest(instrument=name, pitch=note.pitch, velocity=note.velocity)

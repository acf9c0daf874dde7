"""State: counts the songs in which each instrument plays.

A worker's state belongs to its records' key, and scores come by task. So there are two workers: one tells each
instrument of its song, under the instrument's name as the key; the other counts what comes under that key.

midi-ingest topics apply --worker examples/songs_per_instrument.py:tell --worker examples/songs_per_instrument.py:count
midi-ingest worker examples/songs_per_instrument.py:tell examples/songs_per_instrument.py:count
"""

import msgspec

from midi_ingest import Context, Keyed, Message, Score, State, Topic, worker


class Played(Message, topic="instruments.played"):
    """An instrument plays in a song."""

    instrument: str
    task_id: str


class Songs(Message, topic=Topic("instruments.songs", cleanup="compact")):
    """In how many songs an instrument plays by now; the last one of a key counts."""

    instrument: str
    songs: int


class Count(msgspec.Struct):
    """What is remembered of an instrument."""

    songs: int = 0


@worker("tell-instruments", reads=Score, writes=Played)
def tell(score: Score, context: Context) -> list[Keyed]:
    """Each instrument once, however many players a song has for it, and however often an operator replays the song."""
    if context.headers["midi-origin"] == "replay":
        return []
    names = {instrument.name for instrument in score.instruments if instrument.notes}
    return [Keyed(name, Played(name, score.task_id)) for name in sorted(names)]


@worker("count-songs", reads=Played, writes=Songs)
def count(played: Played, state: State[Count]) -> Songs:
    """One song more."""
    before = state.get() or Count()
    state.put(Count(before.songs + 1))
    return Songs(played.instrument, before.songs + 1)

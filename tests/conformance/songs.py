"""The songs that other readers read: always the same ones."""

from __future__ import annotations

from itertools import count
from typing import Final

from midi_ingest import samples
from schemas.score import LAST_TICK, Instrument, Note, Score
from tests.unit.music.bodies import body, long_song
from tests.unit.music.test_golden import SONGS as GOLDEN
from workers.music.normalize import normalize

SCRIPTS: Final = (
    *("", "Violin", "Straße œuvre", "Скрипка", "Βιολί", "כינור", "كمان", "वायलिन"),
    *("ไวโอลิน", "小提琴", "バイオリン", "바이올린", "👩\u200d🎤🎻", "é" * 200, "😀" * 64),
)
AWKWARD: Final = (
    *("a\tb\r\nc\0d\x7f\x85", 'say "la"', '""', "\\", "\\101 \\\\", "'; x, 1, \"y", "%s"),
    *("\ufeffBOM", "a\u2028b", " ", "</name>"),
)


def score_of(task_id: str, *instruments: Instrument) -> Score:
    return Score(task_id=task_id, duration=0, warnings=[], instruments=list(instruments))


def alone(task_id: str, *notes: Note) -> Score:
    return score_of(task_id, Instrument("Violin", 40, False, 1, 1, list(notes)))


def silent(name: str, track: int) -> Instrument:
    return Instrument(name, 0, False, None, track, [])


def sent(task_id: str, callback: bytes) -> Score:
    return normalize(callback, task_id)


def late(seconds: str) -> bytes:
    """A note that begins and ends so late."""
    note = f'{{"pitch": 60, "start": {seconds}, "end": {seconds}, "velocity": 1}}'
    return body(f'[{{"name": "Violin", "notes": [{note}]}}]')


SONGS: Final[dict[str, Score]] = {
    **{name: score_of(name, *instruments) for name, instruments in GOLDEN.items()},
    "the sender's sample": sent("5c79****be8e", samples.sample()),
    "10,000 notes": sent("a1", samples.song("a1", 10_000)),
    "long and dirty": sent("a2", body(long_song(seed=9, count=3000))),
    **{f"dirty, seed {seed}": sent("a3", body(long_song(seed, 400))) for seed in range(9)},
    "the latest note": sent("a4", late("86400")),
    "the longest gap": alone("a5", Note(0, LAST_TICK, 60, 1)),
    "every pitch and velocity": alone(
        "a6", *(Note(n * 100, n * 100 + 50, n % 128, n % 127 + 1) for n in range(127 * 128))
    ),
    "repeated notes": alone("a7", *(Note(n, n + 1, 60, 64) for n in range(300))),
    "chords of all pitches": alone(
        "a8", *(Note(n * 9, n * 9 + 9, pitch, 64) for n in range(9) for pitch in range(128))
    ),
    "1,024 silent instruments": score_of("a9", *map(silent, ["Silent"] * 1024, count(1))),
    "names in all scripts": score_of("任务 задача", *map(silent, SCRIPTS, count(1))),
    "awkward names": score_of("'\"\\,\n", *map(silent, AWKWARD, count(1))),
}

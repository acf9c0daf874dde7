"""Ten songs made to be listened to, as callbacks have them: each has something that matters to the ear."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from schemas.score import Score
from tests.unit.music.bodies import body
from workers.music.normalize import normalize

Notes = list[dict[str, Any]]

_BAR_SECONDS: Final = 2.0
_ROOTS: Final = (36, 43, 45, 41) * 4
_CHORD: Final = (0, 4, 7)
_TUNE: Final = (0, 2, 4, 5, 7, 5, 4, 2, 0, -1, 0, 0)
_TWENTY: Final = (
    *(
        "Acoustic Grand Piano",
        "Violin",
        "Viola",
        "Cello",
        "Flute",
        "Oboe",
        "Clarinet",
        "Trumpet",
        "French Horn",
    ),
    *(
        "Tuba",
        "Harpsichord",
        "Celesta",
        "Church Organ",
        "Electric Guitar (clean)",
        "Soprano Sax",
        "Pan Flute",
    ),
    *("Ocarina", "Banjo", "Koto", "Choir Aahs"),
)


def note(pitch: int, start: float, end: float, velocity: float = 0.7) -> dict[str, Any]:
    """A note on the senders' grid."""
    return {
        "pitch": pitch,
        "start": round(start * 192) / 192,
        "end": round(end * 192) / 192,
        "velocity": velocity,
    }


def drums(bars: int) -> Notes:
    """Hi-hat in eighths, bass drum and snare in turns, a crash in every fourth bar."""
    eighth = _BAR_SECONDS / 8
    hits = {0: (36, 42), 2: (38, 42), 4: (36, 42), 6: (38, 42)}
    beat = [
        note(pitch, n * eighth, n * eighth + 0.05)
        for n in range(8 * bars)
        for pitch in hits.get(n % 8, (42,))
    ]
    return beat + [note(49, bar * _BAR_SECONDS, bar * _BAR_SECONDS + 1) for bar in range(0, bars, 4)]


def bass(roots: Sequence[int]) -> Notes:
    """Quarters."""
    quarter = _BAR_SECONDS / 4
    starts = [(root, (4 * bar + n) * quarter) for bar, root in enumerate(roots) for n in range(4)]
    return [note(root, start, start + 0.9 * quarter) for root, start in starts]


def chords(roots: Sequence[int]) -> Notes:
    """One a bar."""
    return [
        note(root + 24 + step, bar * _BAR_SECONDS, (bar + 1) * _BAR_SECONDS)
        for bar, root in enumerate(roots)
        for step in _CHORD
    ]


def tune(lowest: int) -> Notes:
    """Two seconds a note."""
    return [note(lowest + step, 2 * n, 2 * n + 1.9) for n, step in enumerate(_TUNE)]


def at_random(chance: random.Random, count: int) -> Notes:
    """Anywhere within half a minute, over each other."""
    starts = [chance.random() * 30 for _ in range(count)]
    return [
        note(chance.randrange(40, 90), start, start + 0.05 + chance.random(), 0.1 + 0.9 * chance.random())
        for start in starts
    ]


def _dense() -> dict[str, Notes]:
    chance = random.Random(7)  # noqa: S311 - music, not secrets
    names = ("Piano", "Strings", "Synth Pad", "Brass", "Vibraphone", "Drums")
    return {name: at_random(chance, 1500) for name in names}


_SONGS: Final[dict[str, dict[str, Notes]]] = {
    "a band": {
        "Drums": drums(16),
        "Electric Bass (finger)": bass(_ROOTS),
        "Acoustic Grand Piano": chords(_ROOTS),
    },
    "a quartet": {"Violin": tune(67), "Viola": tune(60), "Cello": tune(48), "Contrabass": tune(36)},
    "twenty instruments and drums": {
        name: [note(48 + i + n * 5 % 12, n / 2 + i / 10, n / 2 + i / 10 + 0.4) for n in range(24)]
        for i, name in enumerate(_TWENTY)
    }
    | {"Drums": drums(6)},
    "fast repeats": {
        "Marimba": [note(72 + n // 16 % 5, n / 16, (n + 1) / 16) for n in range(256)],
        "Timpani": [note(45, n / 24, (n + 1) / 24) for n in range(240)],
    },
    "repeats and overlaps": {
        "Church Organ": [note(60 + n % 3 * 4, n / 2, n / 2 + 1.3) for n in range(30)] * 2
    },
    "quiet to loud": {
        "Choir Aahs": [note(p, n, n + 0.95, 0.15 + n * 0.04) for n, p in product(range(22), (60, 64, 67))]
    },
    "a late start": {
        "Flute": [note(76, 65, 66), note(74, 66, 67), note(72, 67, 69)],
        "Rock drum kit": [note(36, 64 + n, 64.1 + n) for n in range(6)],
    },
    "unknown names": {
        "Скрипка": [note(60 + n, n / 2, n / 2 + 0.5) for n in range(20)],
        "": [note(48, n, n + 1) for n in range(10)],
    },
    "shorter than the grid, with velocities up to 127": {
        "Xylophone": [
            {"pitch": 70 + n % 12, "start": n / 10, "end": n / 10 + n % 2 / 10000, "velocity": 64}
            for n in range(100)
        ],
        "Piano": [{"pitch": "60", "start": "0.0000000000000000", "end": "9.5", "velocity": "127"}],
    },
    "dense": _dense(),
}

MELODIES: Final[dict[str, Score]] = {
    title: normalize(
        body(json.dumps([{"name": name, "notes": notes} for name, notes in song.items()])), title
    )
    for title, song in _SONGS.items()
}

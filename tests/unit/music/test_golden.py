"""Files that must never change, told by their SHA-256: the same on every machine, Python and renderer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import pytest

from schemas.score import Instrument, Note, Score
from tests.unit.music.ways import by_columns, note_by_note
from workers.music import mido_renderer, smf


def row(count: int, step: int, length: int, pitch: int = 60) -> list[Note]:
    """Notes that start a step after one another; pitches and velocities go up and down."""
    return [Note(n * step, n * step + length, pitch + n * 7 % 12, 1 + n * 37 % 127) for n in range(count)]


def alone(notes: list[Note], name: str = "Violin", program: int = 40, channel: int = 1) -> list[Instrument]:
    return [Instrument(name, program, channel == 10, channel, 1, notes)]


BAND: Final = [
    Instrument(f"Player {n}", n * 8, False, channel, n + 1, row(200, 60 + n, 50, 30 + n))
    for n, channel in enumerate([*range(1, 10), *range(11, 17)])
]
SHARED: Final = [
    Instrument("Drums", 0, True, 10, 1, row(90, 120, 60, 36)),
    Instrument("Violin", 40, False, 1, 2, row(70, 240, 200)),
    Instrument("Percussion", 0, True, 10, 1, row(90, 90, 45, 72)),
    Instrument("Silent", 0, False, None, 3, []),
]
SONGS: Final[dict[str, list[Instrument]]] = {
    "empty": [],
    "silent": [Instrument("Flute", 73, False, None, 1, [])],
    "one note": alone([Note(0, 960, 60, 127)]),
    "the senders' grid": alone(row(30, 5, 5)),
    "a long song": alone(row(3000, 47, 96)),
    "a chord at a time": alone(
        [Note(n // 12 * 480, n // 12 * 480 + 480, n % 12 * 10, 99) for n in range(600)]
    ),
    "gaps of one to four bytes": alone([Note(n**4, n**4 + n, n, n) for n in range(1, 128)]),
    "gaps of four bytes": alone(row(39, 2_100_000, 2_099_999)),
    "drums": alone(row(500, 40, 20, 35), "Drums", 0, 10),
    "sixteen channels": [*BAND, Instrument("Drums", 0, True, 10, 16, row(400, 30, 30, 40))],
    "shared tracks": SHARED,
    "names of any script": alone(row(5, 10, 9), "Скрипка 鋼琴 😀" * 20),
}
DIGESTS: Final = {
    "empty": "635c93365f2c6db68fd954ae20331e198a9790338183aaa727f6fe59407a7026",
    "silent": "34ca8d5ea14cd04297c886717b2d809465d1ac798d68c3751f520109e9285d6d",
    "one note": "0a613b6e0c383344d074ef94caabf1acbd8abc6c9537f4c8aec019c266b69eda",
    "the senders' grid": "9c68e5484e3897cc86d39c5a5df8d5cb2b71c27e60bbaace82b5681a3d4ffab9",
    "a long song": "d399c242d5bd8f55543ea94f86e2a8e712f23adcdfba0ceb1e193a05eb11487e",
    "a chord at a time": "61b2c47d1e868cc62fe9067ce76fb9461a01037177917d106146c70ff3964fba",
    "gaps of one to four bytes": "5205f2742c1a71d64fd02588767602ec6c478f9a78f4b73f739ffae03cac09dc",
    "gaps of four bytes": "1a87afe709fc2baab12b36ee7378c724800ac21036a06115ae904d7b67cdf88a",
    "drums": "d13e029b51c20ec68440c7c2797397466f996f70928c6c0607e5704f52c89dae",
    "sixteen channels": "f8e546b438f3ec0685b9bb11a583f8fd65ed75f066a49c696a36df1dca1abfb6",
    "shared tracks": "e2554053407481e7a353091d00887c084b08cd4a8f273ab1eb835244a501d39d",
    "names of any script": "3dadfc8d8978945095e0dba51082b307b4ef24e0c6e037ebdd88cc8c00b657cc",
}


def fast(score: Score) -> bytes:
    with by_columns():
        return smf.render(score)


def slow(score: Score) -> bytes:
    with note_by_note():
        return smf.render(score)


@pytest.mark.parametrize(
    "render", [smf.render, fast, slow, mido_renderer.render], ids=["fast", "columns", "notes", "mido"]
)
@pytest.mark.parametrize("name", SONGS)
def test_the_file_of_a_score_never_changes(name: str, render: Callable[[Score], bytes]) -> None:
    score = Score(task_id=name, duration=0, warnings=[], instruments=SONGS[name])
    assert hashlib.sha256(render(score)).hexdigest() == DIGESTS[name]

"""Our files sound: fluidsynth plays each melody with a General MIDI sound font, and the numbers are listened to."""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from schemas.score import Score
from tests.conformance.melodies import MELODIES
from workers.music import smf

SOUND_FONT: Final = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
RATE: Final = 22_050
TICKS_PER_SECOND: Final = 960

AUDIBLE: Final = 10.0
"""As a root mean square, of samples up to 32,767."""
SILENT: Final = 1.0

Samples = npt.NDArray[np.float64]


@pytest.fixture(scope="module", params=MELODIES)
def melody(request: pytest.FixtureRequest) -> Score:
    return MELODIES[request.param]


@pytest.fixture(scope="module")
def played(melody: Score, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """The melody without reverberation, the louder of both channels."""
    if not (synthesizer := shutil.which("fluidsynth")) or not SOUND_FONT.exists():
        pytest.skip("on Debian and Ubuntu: apt-get install fluidsynth timgm6mb-soundfont")
    folder = tmp_path_factory.mktemp("sound")
    (folder / "song.mid").write_bytes(smf.render(melody))
    options = ("-niq", "-R0", "-C0", f"-r{RATE}", "-Fsong.wav")
    subprocess.run([synthesizer, *options, SOUND_FONT, "song.mid"], cwd=folder, timeout=120, check=True)
    with wave.open(str(folder / "song.wav")) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    louder: Samples = samples.reshape(-1, 2).astype(np.float64).max(axis=1)
    return louder


def loudness(samples: Samples, start: float, end: float) -> float:
    """Between two moments in seconds; silence beyond the end."""
    heard = samples[int(start * RATE) : int(end * RATE)]
    return float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0


def spans(score: Score) -> list[tuple[float, float]]:
    """When each note starts and ends, in seconds."""
    return [
        (note.start / TICKS_PER_SECOND, note.end / TICKS_PER_SECOND)
        for instrument in score.instruments
        for note in instrument.notes
    ]


def test_every_note_is_heard_as_it_starts(melody: Score, played: Samples) -> None:
    unheard = [start for start, _ in spans(melody) if loudness(played, start, start + 0.1) < AUDIBLE]
    assert unheard == []


def test_nothing_is_heard_before_the_first_note(melody: Score, played: Samples) -> None:
    first = min(start for start, _ in spans(melody))
    assert loudness(played, 0, max(first - 0.01, 0)) < SILENT


def test_notes_are_heard_until_they_end_and_no_longer(melody: Score, played: Samples) -> None:
    end = melody.duration / TICKS_PER_SECOND
    assert loudness(played, end - 0.1, end) > AUDIBLE
    assert loudness(played, end + 5, end + 1000) < SILENT


@pytest.mark.parametrize("melody", ["a quartet", "repeats and overlaps", "quiet to loud"], indirect=True)
def test_what_does_not_fade_by_itself_is_heard_without_a_gap(melody: Score, played: Samples) -> None:
    lasting = [(start + 0.1, end - 0.1) for start, end in spans(melody) if end - start > 0.3]
    moments = [moment for start, end in lasting for moment in np.arange(start, end, 0.05)]
    assert [moment for moment in moments if loudness(played, moment, moment + 0.05) < AUDIBLE] == []

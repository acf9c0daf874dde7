"""Writes a score as a Standard MIDI File."""

from __future__ import annotations

from schemas.file import MidiFile
from workers.music import mido_renderer, smf
from workers.music.score_record import ScoreRecord
from workers.runtime.api import Context, worker

RENDERERS = {"fast": smf.render, "mido": mido_renderer.render}


@worker("render", reads=ScoreRecord, writes=MidiFile)
def render(score: ScoreRecord, context: Context) -> MidiFile:
    """The MIDI file of a score."""
    return MidiFile(RENDERERS[context.settings.renderer](score))

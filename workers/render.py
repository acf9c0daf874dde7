"""Writes a score as a Standard MIDI File."""

from __future__ import annotations

from schemas.file import MidiFile
from schemas.score import Score
from workers.music import mido_renderer, smf
from workers.runtime.api import Context, worker

RENDERERS = {"fast": smf.render, "mido": mido_renderer.render}


@worker("render", reads=Score, writes=MidiFile)
def render(score: Score, context: Context) -> MidiFile:
    """The MIDI file of a score."""
    return MidiFile(RENDERERS[context.settings.renderer](score))

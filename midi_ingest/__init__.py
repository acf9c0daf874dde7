"""midi-ingest's public face: what a custom worker imports, and the command `midi-ingest`."""

# ruff: noqa: E402 - nothing of ours may be imported before we know that it is ours
from midi_ingest.shadowing import refuse_shadows

refuse_shadows()

from midi_ingest.version import __version__
from schemas.callback import Callback, Task
from schemas.file import MidiFile
from schemas.message import Message, Topic
from schemas.outcome import Outcome
from schemas.score import Instrument, Note, Score
from workers.runtime.api import Context, Dropped, Failure, Keyed, Reject, State, Unavailable, worker

__all__ = [
    "Callback",
    "Context",
    "Dropped",
    "Failure",
    "Instrument",
    "Keyed",
    "Message",
    "MidiFile",
    "Note",
    "Outcome",
    "Reject",
    "Score",
    "State",
    "Task",
    "Topic",
    "Unavailable",
    "__version__",
    "worker",
]

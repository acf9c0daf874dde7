"""midi-ingest's public face: what a custom worker imports, and the command `midi-ingest`."""

# ruff: noqa: E402 - nothing of ours may be imported before we know that it is ours
from midi_ingest.shadowing import leave_out_current_folder, refuse_shadows

leave_out_current_folder()
refuse_shadows()

from midi_ingest.version import __version__
from schemas import headers, reasons, topics
from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus
from schemas.file import MidiFile
from schemas.message import Body, Message, Topic
from schemas.outcome import Outcome
from schemas.score import Instrument, Note, Score, Warning  # noqa: A004 - the contract's word
from workers.runtime.api import (
    Context,
    Dropped,
    Failure,
    Keyed,
    Output,
    Raw,
    Reject,
    Result,
    Retry,
    State,
    States,
    Unavailable,
    Worker,
    worker,
)

__all__ = [
    "Body",
    "Callback",
    "Context",
    "DeadLetterStatus",
    "Dropped",
    "Failure",
    "Instrument",
    "Keyed",
    "Message",
    "MidiFile",
    "Note",
    "Outcome",
    "Output",
    "Raw",
    "Reject",
    "Result",
    "Retry",
    "Score",
    "State",
    "States",
    "Task",
    "Topic",
    "Unavailable",
    "Warning",
    "Worker",
    "__version__",
    "headers",
    "reasons",
    "topics",
    "worker",
]

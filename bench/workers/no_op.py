"""A custom worker that does nothing: whatever it costs is the runtime's."""

from __future__ import annotations

from midi_ingest import Body, Callback, worker


class PassedOn(Body, topic="passed-on"):
    """A callback as it was received."""


@worker("no-op", reads=Callback, writes=PassedOn)
def no_op(callback: Callback) -> PassedOn:
    """Pass it on, byte for byte."""
    return PassedOn(callback.body)

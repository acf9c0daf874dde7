"""`midi-ingest ingest`: the HTTP ingress."""

from __future__ import annotations

from midi_ingest import process


def ingest() -> int:
    """Take in callbacks over HTTP and publish them to Kafka, until SIGTERM or Ctrl-C."""
    from ingest.server import serve  # noqa: PLC0415 - so that other commands start without a web server

    return process.run("ingest", serve)

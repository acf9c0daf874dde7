"""The records that tell what an operator did to a letter."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime
from typing import Literal

from broker.partitioner import partition
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.transactions import Write
from schemas import headers as h
from schemas.dead_letter import DeadLetterStatus

TRANSACTIONS = "dlq"
"""The name of the transactions that marks are written in: who handles letters excludes all others."""


def mark(letter: Letter, status: Literal["redriven", "purged"], partitions: int) -> Write:
    """The record that gives a letter its status, by whoever runs this command, now.

    It goes to the one of so many partitions that its key belongs to, where deduplicate's marks go, too.
    """
    at = h.timestamp(datetime.now(UTC))
    headers = {
        h.CE_ID: os.urandom(16).hex(),
        h.CE_SOURCE: h.SOURCE,
        h.CE_TIME: at,
        h.CE_SPECVERSION: h.SPECVERSION,
        h.CE_TYPE: DeadLetterStatus.kind,
        h.CONTENT_TYPE: DeadLetterStatus.content_type,
        h.SCHEMA: str(DeadLetterStatus.version),
    }
    value = DeadLetterStatus(status=status, at=at, by=_operator()).encode()
    key = letter.status_key.encode()
    return Write(DeadLetterStatus.topic, partition(key, partitions), key, value, h.to_wire(headers))


def _operator() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"

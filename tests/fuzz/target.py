"""What is asserted of any bytes that a sender might post."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from schemas.dialects import AUTO, DIALECTS, NotACallback, NotJson, read_callback, read_envelope
from tests.unit.music.whole_way import both_ways

NAMED: Final = (AUTO, *(dialect.name for dialect in DIALECTS))


def check(body: bytes) -> None:
    """Read a body as the ingress, deduplicate and normalize do, and render what it becomes, by both ways of the music.

    The bytes' number decides in which dialect.

    Raises:
        AssertionError: the ways differ, or the score is not sound.
        Exception: anything but the documented refusals.
    """
    dialect = NAMED[len(body) % len(NAMED)]
    for read in (read_envelope, read_callback):
        with suppress(NotJson, NotACallback):
            read(body, dialect)
    both_ways(body, dialect)

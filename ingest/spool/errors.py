"""What the spool says when it does not take a record; no message names a path or quotes a body."""

from __future__ import annotations

from typing import ClassVar

from ingest.limits import Limit


class SpoolError(Exception):
    """The spool did not take a record, for the reason given; after a disk's error it may be there all the same."""

    limit: ClassVar[Limit]


class SpoolFull(SpoolError):
    """The spool has reached its quota, or the disk has little space left."""

    limit = Limit.SPOOL_FULL


class SpoolBroken(SpoolError):
    """SQLite or the disk failed; another try may succeed."""

    limit = Limit.SPOOL_FAILED


class SpoolCorrupt(SpoolBroken):
    """A file of the spool is damaged, gone, or of another version: what comes next goes to another file."""

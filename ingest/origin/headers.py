"""Reading the headers of signatures, however they are malformed."""

from __future__ import annotations

import re
from typing import Final

from multidict import istr
from pydantic import BaseModel, Field

from ingest.origin.verifier import Head, NotVerified

_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,11}")  # `int` alone takes "1_0", " 1" and digits of other scripts


def only(head: Head, name: istr) -> str:
    """The value of a header that must be there once: of two values, another reader might take the other.

    Raises:
        NotVerified: it is not, or there are several.
    """
    values = head.headers.getall(name, ())
    if len(values) != 1:
        raise NotVerified(f"Expected the header {name}, once.")
    return values[0]


class TimestampSettings(BaseModel):
    """How far a sender's clock may be from ours, for all verifiers that sign a time."""

    timestamp_tolerance_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="How far a signature's time may lie in the past or in the future.",
    )


class Timestamp:
    """The header of a signature's time, in Unix seconds."""

    def __init__(self, name: istr, settings: TimestampSettings) -> None:
        self._name = name
        self._tolerance_seconds = settings.timestamp_tolerance_seconds

    def read(self, head: Head) -> str:
        """The time as it was sent, since it was signed so.

        Raises:
            NotVerified: it is no whole number of Unix seconds, or too far from now.
        """
        text = only(head, self._name)
        if not _UNIX_SECONDS.fullmatch(text):
            raise NotVerified(f"Expected {self._name} to be the time in whole Unix seconds.")
        if abs(int(text) - head.now) > self._tolerance_seconds:
            raise NotVerified(
                f"Expected {self._name} to be within {self._tolerance_seconds} s of this server's clock."
            )
        return text

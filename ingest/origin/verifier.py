"""What a verifier is: it reads a request's head, and says what else has to be seen before the origin is certain."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from multidict import MultiMapping


class NotVerified(Exception):
    """A request does not prove its origin. The message says what was expected, and nothing of what was sent."""


@dataclass(slots=True)
class Head:
    """What is known of a request before a byte of its body is read.

    ``token`` is the path's last segment where callbacks are posted to ``<path>/<token>``, as it was sent;
    ``now`` is the time in Unix seconds.
    """

    token: str | None = field(repr=False)
    headers: MultiMapping[str] = field(repr=False)
    now: float


class Covers(Enum):
    """What has to be known of a body before a claim can be checked."""

    BODY = "body"
    TASK_ID = "task id"


class Claim(Protocol):
    """What a head claims of the body that follows."""

    @property
    def covers(self) -> Covers:
        """What `check` is to be given."""

    def check(self, covered: bytes) -> None:
        """Hold the raw body, or the task id in UTF-8, against the claim.

        Raises:
            NotVerified: the claim is wrong.
        """


class Outgoing(NamedTuple):
    """A callback that is to be signed: its task id, its raw body, and the time in whole Unix seconds."""

    task_id: str
    body: bytes
    timestamp: int


class Verifier(Protocol):
    """One way to prove an origin. It keeps nothing of a request."""

    def read(self, head: Head) -> Claim | None:
        """What the head claims, or None where it proves the origin by itself.

        Raises:
            NotVerified: something is missing or malformed, or is not right already.
        """

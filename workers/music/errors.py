"""Why a callback cannot become a score: the two refusals that `normalize` knows."""

from __future__ import annotations


class InvalidPayload(ValueError):
    """The body cannot be read as a callback with a song: dead letter ``invalid-payload``."""


class TooLarge(ValueError):
    """There is more in the body than may be read: dead letter ``too-large``."""

"""Why a body is refused: it is no JSON that can be read, or no callback."""

from __future__ import annotations


class NotJson(ValueError):
    """The body is not JSON (RFC 8259) in UTF-8, or nested too deeply to be read."""


class NotACallback(ValueError):
    """The body is JSON, but no callback: ``field`` names what is wrong, the message what was expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

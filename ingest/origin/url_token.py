"""`url-token`: callbacks are posted to `<path>/<token>`, where only those who know a token can post to."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, Field

from ingest.origin.keyring import SecretFile, SecretText
from ingest.origin.verifier import Head, NotVerified

CHARACTERS_MIN: Final = 16

_TOKEN: Final = re.compile(rf"[A-Za-z0-9._~-]{{{CHARACTERS_MIN},}}")


class UrlTokenSettings(BaseModel):
    """The tokens that are valid now."""

    url_tokens: SecretText = Field(
        default=None,
        description="Tokens that may end the callbacks' URL, separated by commas or white space.",
    )
    url_tokens_file: SecretFile = Field(default=None, description="A file with these tokens instead.")


class UrlToken:
    """Verifies that a request's URL ends in one of the tokens.

    Raises:
        ValueError: a token is too short, or has characters that a URL may not carry as they are.
    """

    def __init__(self, _: UrlTokenSettings, tokens: Sequence[str]) -> None:
        if not all(map(_TOKEN.fullmatch, tokens)):
            raise ValueError(
                "make tokens by python3 -c 'import secrets; print(secrets.token_urlsafe(32))'. Each must have "
                f"at least {CHARACTERS_MIN} characters, since fewer can be guessed, and only letters, digits, "
                "'-', '.', '_' and '~', since others are rewritten on their way (RFC 3986, section 2.3)"
            )
        self._tokens = tuple(token.encode() for token in tokens)

    def read(self, head: Head) -> None:
        """Compare the token with all that are valid, in a time that does not depend on how much of one fits.

        Raises:
            NotVerified: there is none, or another.
        """
        sent = (head.token or "").encode("ascii", "replace")  # no token has the `?` that this puts in
        if not sum(hmac.compare_digest(token, sent) for token in self._tokens):
            raise NotVerified("Expected a valid token as the last segment of the path.")

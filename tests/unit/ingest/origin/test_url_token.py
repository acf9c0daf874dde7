"""`url-token`: a secret at the end of the URL."""

from __future__ import annotations

import pytest

from ingest.origin.keyring import OriginError
from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import TOKEN, guard, head

OTHER = "another-token-of-ours"


@pytest.mark.parametrize("token", [TOKEN, OTHER])
def test_each_of_several_tokens_is_enough(token: str) -> None:
    several = guard("url-token", url_tokens=f"{TOKEN},\n{OTHER}")
    assert several.takes_token
    assert several.head(head(token=token)).verified


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        TOKEN[:-1],
        TOKEN + "x",
        TOKEN.upper(),
        f"{TOKEN},{OTHER}",
        "é" * 23,
        "\ud800",
        "?" * 23,
        "x" * 9999,
    ],
)
def test_any_other_token_is_not_verified(token: str | None) -> None:
    with pytest.raises(NotVerified, match=r"^Expected a valid token as the last segment of the path\.$"):
        guard("url-token").head(head(token=token))


@pytest.mark.parametrize(
    "token", ["fifteen-letters", "with/slash-0123456789", "with%20-0123456789", "é" * 20]
)
def test_a_token_that_can_be_guessed_or_rewritten_stops_the_start(token: str) -> None:
    with pytest.raises(
        OriginError, match=r"^MIDI_INGEST_URL_TOKENS: .*token_urlsafe.* 16 .*RFC 3986"
    ) as refused:
        guard("url-token", url_tokens=f"{TOKEN} {token}")
    assert token not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_token_of_sixteen_characters_is_long_enough() -> None:
    sixteen = "sixteen-letters_"
    assert guard("url-token", url_tokens=sixteen).head(head(token=sixteen)).verified

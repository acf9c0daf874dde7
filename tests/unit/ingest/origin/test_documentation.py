"""docs/origin.md: its examples are what the ingress takes, and it leaves out no verifier and no setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.origin.registry import VERIFIERS, VerifierSettings
from ingest.origin.verifier import Head, NotVerified
from tests.unit.ingest.origin.senders import BODY, NOW, SIGNED, TASK_ID, guard, head, passes

PAGE = (Path(__file__).parents[4] / "docs" / "origin.md").read_text()
EXAMPLES = dict(re.findall(r"^\*\*`([a-z-]+)`\*\*\n.*?```http\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL))
KEY = "a-key-of-yours-0123456789"
WHSEC = "whsec_YS1rZXktb2YteW91cnMtMDEyMzQ1Njc4OQ=="


def example(name: str) -> tuple[Head, bytes]:
    """The request in the page's example of a verifier."""
    fields, _, body = EXAMPLES[name].partition("\n\n")
    headers = dict(field.split(": ", 1) for field in fields.splitlines()[1:])
    return head(headers), body.encode()


def test_every_signature_has_an_example() -> None:
    assert set(EXAMPLES) == set(SIGNED)


@pytest.mark.parametrize("name", SIGNED)
def test_the_example_is_verified_and_not_with_another_time_key_or_body(name: str) -> None:
    sent, body = example(name)
    assert (body, len(body)) == (BODY, 37)
    field, key = VERIFIERS[name].secrets, WHSEC if name == "standard-webhooks" else KEY
    assert KEY in PAGE
    assert key in PAGE
    documented = guard(name, **{field: key})
    assert passes(documented, sent, body).verified
    with pytest.raises(NotVerified):
        passes(guard(name), sent, body)
    with pytest.raises(NotVerified):
        passes(documented, sent, body + b" ", TASK_ID + "!")
    assert int(sent.now) == NOW


def test_every_verifier_and_every_setting_of_one_is_named() -> None:
    assert [name for name in VERIFIERS if f"| `{name}` |" not in PAGE] == []
    variables = [f"MIDI_INGEST_{field.upper()}" for field in VerifierSettings.model_fields]
    assert [variable for variable in variables if f"`{variable}`" not in PAGE] == []

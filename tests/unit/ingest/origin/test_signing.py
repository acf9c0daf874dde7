"""Signing as senders do: each verifier's `sign` makes what the independent senders of these tests make."""

from __future__ import annotations

import pytest

from ingest.origin.registry import VERIFIERS, VerifierSettings
from ingest.origin.verifier import Outgoing
from tests.unit.ingest.origin.senders import BODY, NOW, SECRETS, SIGNED, TASK_ID, guard, head, passes


def signed(name: str, **settings: str) -> dict[str, str]:
    [secret] = SECRETS[name].values()
    sign = VERIFIERS[name].sign
    assert sign is not None
    return dict(sign(VerifierSettings.model_validate(settings), secret, Outgoing(TASK_ID, BODY, NOW)))


def test_whatever_reads_a_signature_can_make_one() -> None:
    assert {name for name, kind in VERIFIERS.items() if kind.sign} == set(SIGNED)


@pytest.mark.parametrize("name", SIGNED)
def test_what_is_signed_is_what_senders_sign(name: str) -> None:
    headers = signed(name)
    ids = {"message_id": headers["webhook-id"]} if "webhook-id" in headers else {}
    assert headers == SIGNED[name](**ids)
    assert passes(guard(name), head(headers)).verified


def test_the_names_of_the_headers_are_settings_here_too() -> None:
    names = {"timestamped_hmac_timestamp_header": "X-Time", "timestamped_hmac_signature_header": "X-Sign"}
    headers = signed("timestamped-hmac", **names)
    assert set(headers) == {"X-Time", "X-Sign"}
    assert passes(guard("timestamped-hmac", **names), head(headers)).verified

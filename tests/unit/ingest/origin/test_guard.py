"""The guard: which verifiers have to hold together, and when that is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.origin.guard import UNASKED, Guard, refuse_exposure
from ingest.origin.keyring import OriginError
from ingest.origin.registry import VERIFIERS
from ingest.origin.settings import OriginSettings
from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import (
    BODY,
    KEY,
    SECRETS,
    SIGNED,
    TASK_ID,
    TOKEN,
    guard,
    head,
    kie,
    passes,
    standard_webhooks,
    timestamped_hmac,
)


@pytest.mark.parametrize("origin", [None, "", " ", "none", " none "])
def test_without_a_verifier_everything_passes_and_nothing_is_verified(origin: str | None) -> None:
    nobody = Guard(OriginSettings.model_validate({"origin": origin}))
    assert not nobody.verifies
    assert not nobody.takes_token
    assert passes(nobody, head(token=TOKEN)) is UNASKED
    assert not UNASKED.verified


@pytest.mark.parametrize(("name", "takes"), [(name, name == "url-token") for name in VERIFIERS])
def test_only_who_verifies_tokens_takes_them(name: str, takes: bool) -> None:
    assert guard(name).takes_token == takes
    assert guard(name).verifies


def test_every_verifier_is_tested() -> None:
    assert set(VERIFIERS) == set(SECRETS) == {"url-token", *SIGNED}


def test_what_is_joined_must_hold_together() -> None:
    both = guard("kie+url-token")
    assert passes(both, head(kie(), token=TOKEN)).verified
    with pytest.raises(NotVerified, match="valid token"):
        both.head(head(kie()))
    with pytest.raises(NotVerified, match="X-Webhook-Timestamp"):
        both.head(head(token=TOKEN))
    with pytest.raises(NotVerified, match="task id"):
        passes(both, head(kie("another"), token=TOKEN))


def test_body_and_task_id_may_both_have_to_hold() -> None:
    names = {"timestamped_hmac_timestamp_header": "X-Time", "timestamped_hmac_signature_header": "X-Sign"}
    both = guard("kie+timestamped-hmac", **names)
    signed = timestamped_hmac()
    sent = head(kie(), {"X-Time": signed["X-Webhook-Timestamp"], "X-Sign": signed["X-Webhook-Signature"]})
    after_body = both.head(sent).body(BODY)
    assert not after_body.verified
    assert after_body.task_id(TASK_ID).verified
    with pytest.raises(NotVerified, match="this task id"):
        after_body.task_id("another")
    with pytest.raises(NotVerified, match="this body"):
        both.head(sent).body(b"{}")


def test_either_alternative_is_enough() -> None:
    either = guard("standard-webhooks,kie+url-token")
    assert passes(either, head(standard_webhooks())).verified
    assert passes(either, head(kie(), token=TOKEN)).verified
    wrong = standard_webhooks(key=KEY + "!")
    assert passes(either, head(wrong, kie(), token=TOKEN)).verified
    assert passes(either, head(standard_webhooks(), kie("another"), token=TOKEN)).verified


@pytest.mark.parametrize("origin", ["url-token,standard-webhooks", "standard-webhooks,url-token"])
def test_an_alternative_that_the_head_proves_leaves_nothing_to_check(origin: str) -> None:
    pending = guard(origin).head(head(standard_webhooks(key="wrong"), token=TOKEN))
    assert pending.verified
    assert pending.body(b"whatever") is pending
    assert pending.task_id("whatever") is pending


def test_an_alternative_that_the_body_proves_leaves_nothing_to_check() -> None:
    pending = guard("kie,standard-webhooks").head(head(kie("another"), standard_webhooks())).body(BODY)
    assert pending.verified


def test_where_no_alternative_holds_each_is_told_once() -> None:
    with pytest.raises(NotVerified) as refused:
        guard("standard-webhooks,url-token,url-token+kie").head(head())
    assert str(refused.value) == (
        "Expected the header webhook-id, once. Or: Expected a valid token as the last segment of the path."
    )


def test_new_secrets_are_read_and_the_old_guard_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("the-first-token-of-ours\n")
    first = guard("url-token", url_tokens=None, url_tokens_file=file)
    file.write_text("# rotated\nthe-second-token-of-ours\nthe-first-token-of-ours\n")
    second = first.reread()
    file.write_text("the-second-token-of-ours\n")
    third = second.reread()

    def valid(some: Guard) -> list[bool]:
        answers = []
        for token in ("the-first-token-of-ours", "the-second-token-of-ours"):
            try:
                answers.append(some.head(head(token=token)).verified)
            except NotVerified:
                answers.append(False)
        return answers

    assert [valid(first), valid(second), valid(third)] == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "short\n"])
def test_a_file_that_went_bad_leaves_the_old_secrets_in_force(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    good = guard("url-token", url_tokens=None, url_tokens_file=file)
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(OriginError, match=r"^MIDI_INGEST_URL_TOKENS_FILE: "):
        good.reread()
    assert good.head(head(token=TOKEN)).verified


@pytest.mark.parametrize("name", VERIFIERS)
def test_a_chosen_verifier_without_its_secret_stops_the_start(name: str) -> None:
    secret = VERIFIERS[name].secrets
    expected = f"^MIDI_INGEST_{secret.upper()}: .* set this or MIDI_INGEST_{secret.upper()}_FILE"
    with pytest.raises(OriginError, match=expected):
        Guard(OriginSettings(origin=name))


@pytest.mark.parametrize("origin", [None, "none", *VERIFIERS])
@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("kind", ["", "_file"])
def test_a_secret_for_a_verifier_that_is_not_chosen_stops_the_start(
    origin: str | None, name: str, kind: str
) -> None:
    if origin == name:
        return
    [(field, secret)] = SECRETS[name].items()
    given = {**SECRETS.get(str(origin), {}), field + kind: secret}
    with pytest.raises(
        OriginError, match=f"^MIDI_INGEST_{(field + kind).upper()}: .* not choose {name}"
    ) as refused:
        Guard(OriginSettings.model_validate({"origin": origin, **given}))
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LocalHost", "::ffff:127.0.0.1"]
)
def test_on_loopback_no_origin_is_needed(host: str) -> None:
    refuse_exposure(OriginSettings(), host)


@pytest.mark.parametrize("host", ["localhostt.invalid", "no such name", "x" * 300])
def test_a_host_that_does_not_exist_is_told_from_one_that_others_can_reach(host: str) -> None:
    with pytest.raises(
        OriginError, match=rf"^MIDI_INGEST_HOST: no address is known for the name '{host[:40]}"
    ):
        refuse_exposure(OriginSettings(), host)


ANYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound


@pytest.mark.parametrize("host", ["", ANYWHERE, "::", "192.168.1.5", "::ffff:10.0.0.1", "127.1"])
def test_elsewhere_the_start_is_refused_until_somebody_has_chosen(host: str) -> None:
    with pytest.raises(OriginError, match=r"MIDI_INGEST_ORIGIN=url-token .*MIDI_INGEST_URL_TOKENS.*=none"):
        refuse_exposure(OriginSettings(), host)
    refuse_exposure(OriginSettings.model_validate({"origin": "none"}), host)
    refuse_exposure(OriginSettings.model_validate({"origin": "kie"}), host)

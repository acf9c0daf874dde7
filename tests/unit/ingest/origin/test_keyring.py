"""Secrets in variables and in files, and that nothing shows them."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from ingest.origin import keyring
from ingest.origin.guard import Guard
from ingest.origin.keyring import OriginError
from ingest.origin.registry import VERIFIERS
from ingest.origin.settings import OriginSettings
from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import (
    BODY,
    SECRETS,
    SIGNED,
    TOKEN,
    guard,
    head,
    passes,
    timestamped_hmac,
)

FILE_VARIABLE = "MIDI_INGEST_KIE_KEYS_FILE"


def keys(**settings: object) -> tuple[str, ...]:
    return keyring.read(OriginSettings.model_validate(settings), "kie_keys")


@pytest.mark.parametrize("text", ["a,b", " a b ", "a\n\tb\n", ",a,,b,", "a, b, a"])
def test_in_a_variable_commas_and_white_space_separate(text: str) -> None:
    assert keys(kie_keys=text) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("a", ("a",)),
        ("a\nb\n", ("a", "b")),
        (" a\t\r\n\r\nb\r\nc", ("a", "b", "c")),
        ("a\u2028\nb\n# c d", ("a", "b")),
        ("# new\na,b\n  # old\nc#d\n", ("a,b", "c#d")),
        ("\ufeffa\nclé\na\n", ("a", "clé")),
    ],
)
def test_in_a_file_each_secret_has_a_line_and_lines_may_be_comments(
    tmp_path: Path, text: str, secrets: tuple[str, ...]
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(text.encode())
    assert keys(kie_keys_file=str(file)) == secrets


@pytest.mark.parametrize("space", [" ", "\t", "\u00a0", "\u2028", "\x0b", " # "])
def test_white_space_within_a_line_of_a_file_is_refused_and_not_quoted(tmp_path: Path, space: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# two words\n\nswordfish{space}swordfish\n", "utf-8")
    with pytest.raises(
        OriginError, match=f"^{FILE_VARIABLE}: {file} has white space within line 3. Each secret"
    ) as refused:
        keys(kie_keys_file=file)
    assert "swordfish" not in shown(refused.value)


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("secret", ["x", "fifteen-letters", "ZmlmdGVlbi1sZXR0ZXI="])
def test_a_secret_that_can_be_guessed_stops_the_start(name: str, secret: str) -> None:
    if len(secret) > 15 and name != "standard-webhooks":
        return
    field = VERIFIERS[name].secrets
    with pytest.raises(OriginError, match=rf"^MIDI_INGEST_{field.upper()}: .* at least 16 ") as refused:
        guard(name, **{field: secret})
    assert f" {secret} " not in str(refused.value)


def test_a_blank_variable_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("a")
    assert keys(kie_keys=" ", kie_keys_file=file) == ("a",)
    assert keys(kie_keys="a", kie_keys_file="") == ("a",)
    with pytest.raises(OriginError, match=r"^MIDI_INGEST_KIE_KEYS: .* set this or MIDI_INGEST_KIE_KEYS_FILE"):
        keys(kie_keys="", kie_keys_file=" ")


def test_secrets_may_not_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(OriginError, match=r"^MIDI_INGEST_KIE_KEYS: MIDI_INGEST_KIE_KEYS_FILE is set, too"):
        keys(kie_keys="swordfish", kie_keys_file=tmp_path)


def test_a_variable_with_separators_only_has_no_secret() -> None:
    with pytest.raises(OriginError, match=r"^MIDI_INGEST_KIE_KEYS: there is no secret in it"):
        keys(kie_keys=", ,")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"# swordfish\n", b"swordfish \xff"])
def test_a_file_without_a_readable_secret_is_told_with_its_variable_and_path(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(OriginError, match=f"^{FILE_VARIABLE}: {file}.*(no secret|UTF-8)") as refused:
        keys(kie_keys_file=file)
    assert "swordfish" not in shown(refused.value)


def test_a_file_that_cannot_be_read_is_told_with_its_variable_and_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for path, why in ((missing, "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(OriginError, match=f"^{FILE_VARIABLE}: {path} cannot be read: {why}"):
            keys(kie_keys_file=path)


def shown(error: BaseException) -> str:
    """All that a log could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize("name", VERIFIERS)
def test_no_text_of_settings_guards_and_claims_shows_a_secret(name: str) -> None:
    settings = OriginSettings.model_validate({"origin": name, **SECRETS[name]})
    guarding = Guard(settings)
    signed = SIGNED[name]() if name in SIGNED else {}
    sent = head(signed, token=TOKEN)
    pending = guarding.head(sent)
    texts = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        repr(vars(guarding)),
        repr(guarding._alternatives),
        repr(pending),
        repr(sent),
    ]
    assert "signatures" not in repr(pending)
    for text in texts:
        assert "swordfish" not in text
        assert "c3dvcmRmaXNo" not in text
        assert not [value for field, value in signed.items() if "ignature" in field and value in text]


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ["swordfish"]},
        {"url_tokens": ["swordfish"]},
        {"kie_keys": 7},
        {"timestamped_hmac_keys": {"swordfish": 1}},
    ],
)
def test_what_is_wrong_with_secrets_is_told_without_them(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error") as refused:
        OriginSettings.model_validate(wrong)
    assert "swordfish" not in shown(refused.value)


def test_a_refused_signature_shows_neither_key_nor_signature() -> None:
    with pytest.raises(NotVerified) as refused:
        passes(guard("timestamped-hmac"), head(timestamped_hmac(BODY + b" ")))
    assert "swordfish" not in shown(refused.value)
    assert timestamped_hmac(BODY)["X-Webhook-Signature"] not in shown(refused.value)

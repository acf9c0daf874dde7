"""TLS and SASL: which settings fit together, and what is said of those that do not."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import structlog
import trustme
from cryptography.hazmat.primitives import serialization

from broker import security
from midi_ingest.settings import SettingsError, load

USER = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_SASL_USERNAME": "anna",
    "KAFKA_SASL_PASSWORD": "swordfish",
}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a client's certificate and its key, another's key, and an encrypted one."""
    folder, ca = tmp_path_factory.mktemp("pem"), trustme.CA()
    mine, other = ca.issue_cert("mine.example"), ca.issue_cert("other.example")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    mine.cert_chain_pems[0].write_to_path(str(folder / "mine.pem"))
    mine.private_key_pem.write_to_path(str(folder / "mine.key"))
    other.private_key_pem.write_to_path(str(folder / "other.key"))
    key = serialization.load_pem_private_key(mine.private_key_pem.bytes(), None)
    pkcs8, encrypted = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"swordfish")
    (folder / "encrypted.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, encrypted))
    (folder / "no.pem").write_text("swordfish")
    return folder


def problems(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> list[str]:
    """What is said of an environment, line by line."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert "swordfish" not in str(refused.value)
    return str(refused.value).splitlines()


MISFITS = [
    (
        {"KAFKA_SASL_USERNAME": "anna"},
        ["KAFKA_SASL_USERNAME: KAFKA_SECURITY_PROTOCOL is PLAINTEXT, without SASL: set"],
    ),
    (
        {"KAFKA_SSL_CA_FILE": "ca.pem", "KAFKA_SASL_PASSWORD": "swordfish"},
        [
            "KAFKA_SASL_PASSWORD: KAFKA_SECURITY_PROTOCOL is PLAINTEXT, without SASL: set that to SASL_SSL",
            "KAFKA_SSL_CA_FILE: KAFKA_SECURITY_PROTOCOL is PLAINTEXT, without TLS: set that to SSL, or unset this.",
        ],
    ),
    (
        USER | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SSL_CA_FILE": "ca.pem"},
        ["KAFKA_SSL_CA_FILE: KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, without TLS: set that to SASL_SSL"],
    ),
    (
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
        [
            "KAFKA_SASL_MECHANISM: SASL_SSL needs it: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.",
            "KAFKA_SASL_USERNAME: SASL_SSL needs it.",
            "KAFKA_SASL_PASSWORD: SASL_SSL needs it, or KAFKA_SASL_PASSWORD_FILE.",
        ],
    ),
    (
        USER | {"KAFKA_SASL_PASSWORD_FILE": "file"},
        ["KAFKA_SASL_PASSWORD: KAFKA_SASL_PASSWORD_FILE is set, too; keep one of them."],
    ),
    (
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_FILE": "mine.key"},
        ["KAFKA_SSL_KEY_FILE: KAFKA_SSL_CERTIFICATE_FILE is not set. A client's certificate needs both."],
    ),
    (
        {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE_FILE": "mine.pem"},
        ["KAFKA_SSL_CERTIFICATE_FILE: KAFKA_SSL_KEY_FILE is not set. A client's certificate needs both."],
    ),
    (
        {"KAFKA_SECURITY_PROTOCOL": "swordfish"},
        ["KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL'"],
    ),
    (USER | {"KAFKA_SASL_MECHANISM": "GSSAPI"}, ["KAFKA_SASL_MECHANISM: Input should be 'SCRAM-SHA-512'"]),
]


@pytest.mark.parametrize(("given", "told"), MISFITS)
def test_settings_that_do_not_fit_together_are_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: list[str]
) -> None:
    said = problems(monkeypatch, given)
    assert len(said) == len(told)
    for line, expected in zip(said, told, strict=True):
        assert line.startswith(expected)


FILES = [
    ({"KAFKA_SSL_CA_FILE": "gone.pem"}, "KAFKA_SSL_CA_FILE: {}/gone.pem cannot be used: No such file"),
    ({"KAFKA_SSL_CA_FILE": "no.pem"}, "KAFKA_SSL_CA_FILE: {}/no.pem has no certificate in PEM."),
    (
        {"KAFKA_SSL_CERTIFICATE_FILE": "mine.pem", "KAFKA_SSL_KEY_FILE": "gone.key"},
        "KAFKA_SSL_CERTIFICATE_FILE: {0}/mine.pem with KAFKA_SSL_KEY_FILE={0}/gone.key cannot be used: No such file",
    ),
    (
        {"KAFKA_SSL_CERTIFICATE_FILE": "mine.pem", "KAFKA_SSL_KEY_FILE": "no.pem"},
        "KAFKA_SSL_CERTIFICATE_FILE: {0}/mine.pem with KAFKA_SSL_KEY_FILE={0}/no.pem is not in PEM. Expected",
    ),
    (
        {"KAFKA_SSL_CERTIFICATE_FILE": "mine.pem", "KAFKA_SSL_KEY_FILE": "other.key"},
        "KAFKA_SSL_CERTIFICATE_FILE: {0}/mine.pem with KAFKA_SSL_KEY_FILE={0}/other.key cannot be used: the key is "
        "another certificate's.",
    ),
    (
        {"KAFKA_SSL_CERTIFICATE_FILE": "mine.pem", "KAFKA_SSL_KEY_FILE": "encrypted.key"},
        "KAFKA_SSL_CERTIFICATE_FILE: {0}/mine.pem with KAFKA_SSL_KEY_FILE={0}/encrypted.key cannot be used: the key "
        "is encrypted.",
    ),
]


@pytest.mark.parametrize(("given", "told"), FILES)
def test_a_file_that_cannot_be_used_is_named_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, pem: Path, given: dict[str, str], told: str
) -> None:
    files = {name: str(pem / file) for name, file in given.items()}
    (said,) = problems(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": "SSL"} | files)
    assert said.startswith(told.format(pem))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"\xff", "is not text in UTF-8."),
        (b" \n", "has nothing in it. Expected the password, and nothing else."),
        (b"swordfish\nswordfish\n", "has several lines. Expected the password, and nothing else."),
    ],
)
def test_a_file_without_a_password_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    given = {**USER, "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": str(file)}
    assert problems(monkeypatch, given) == [f"KAFKA_SASL_PASSWORD_FILE: {file} {told}"]


def test_a_pipe_is_no_file_with_a_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    given = {**USER, "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": str(pipe)}
    (said,) = problems(monkeypatch, given)
    assert said.startswith(f"KAFKA_SASL_PASSWORD_FILE: {pipe} is a pipe,")


def test_a_password_in_a_file_is_read_for_each_client_without_the_end_of_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    for name, value in {**USER, "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": str(file)}.items():
        monkeypatch.setenv(name, value)
    file.write_text("old\n")
    settings, given = load(), []
    for text in ("old\n", "new\n"):
        file.write_text(text)
        given.append(security.client_options(settings)["sasl_plain_password"])
    assert given == ["old", "new"]


def test_plaintext_gives_clients_nothing_and_asks_for_no_file() -> None:
    assert security.client_options(load()) == {}


def test_tls_verifies_certificate_and_host_name_and_is_of_1_2_at_least(
    monkeypatch: pytest.MonkeyPatch, pem: Path
) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "ssl")
    of_system: ssl.SSLContext = security.client_options(load())["ssl_context"]
    monkeypatch.setenv("KAFKA_SSL_CA_FILE", str(pem / "ca.pem"))
    of_file: ssl.SSLContext = security.client_options(load())["ssl_context"]
    for context in (of_system, of_file):
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert len(of_file.get_ca_certs()) == 1  # those of the system do not count beside one's own
    assert security.client_options(load())["ssl_context"] is of_file


def test_a_password_that_others_can_read_on_its_way_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    settings = load()
    in_clear = settings.model_copy(
        update={"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": "PLAIN"}
    )
    security._warn_of_clear_text.cache_clear()
    with structlog.testing.capture_logs() as logs:
        security.tell_of_clear_text(settings)
        assert logs == []
        security.tell_of_clear_text(in_clear)
        security.tell_of_clear_text(in_clear)
    assert [line["event"] for line in logs] == ["the password goes to kafka as clear text"]

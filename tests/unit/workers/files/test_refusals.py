"""What is made of obstore's errors, as it words them."""

from __future__ import annotations

import pytest

from workers.files.refusals import refusal_in

RETRIED = "in 1.02s, after 3 retries, max_retries: 3, retry_timeout: 30s  - HTTP error: error sending request"


def generic(url: str, debug: str = "") -> str:
    return f"Generic S3 error: Error performing PUT {url} {RETRIED}\n\nDebug source:\nGeneric {{{debug}}}"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/api/token",
        "http://169.254.170.2/v2/credentials/swordfish",
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
        "https://sts.eu-central-1.amazonaws.com/",
        "https://login.microsoftonline.com/swordfish/oauth2/v2.0/token",
    ],
)
@pytest.mark.parametrize("answer", ["", "Server returned non-2xx status code: 403 Forbidden: swordfish"])
def test_credentials_that_cannot_be_had_are_told_from_those_that_are_denied(url: str, answer: str) -> None:
    refusal = refusal_in(f"{generic(url)} {answer}")
    assert refusal.words.startswith("no credentials are set, nor had from this machine.")
    assert refusal.denied
    assert not refusal.this_object_only


@pytest.mark.parametrize(
    ("debug", "told"),
    [
        (
            "kind: Connect, source: ConnectError(dns error, Custom { kind: Uncategorized })",
            "its name is not known.",
        ),
        ("kind: Connect, source: Os { code: 111, kind: ConnectionRefused }", "nobody listens there"),
        (
            "kind: Connect, source: Custom { error: InvalidCertificate(UnknownIssuer) }",
            "signed by nobody known here.",
        ),
        ("kind: Connect, source: Custom { error: InvalidCertificate(NotValidForName) }", "does not fit."),
        ("kind: Connect, source: Os { code: 113, kind: HostUnreachable }", "it cannot be reached"),
        ("kind: Timeout, source: TimedOut", "it does not answer in time"),
        ("kind: Request, source: Os { code: 104, kind: ConnectionReset }", "the connection was cut"),
        ("kind: Interrupted, source: hyper::Error(IncompleteMessage)", "the connection was cut"),
        ("something that obstore says in a year", "it cannot be reached"),
    ],
)
def test_without_an_answer_it_is_said_what_the_network_said(debug: str, told: str) -> None:
    refusal = refusal_in(generic("http://127.0.0.1:9000/midi/songs/tasks/a1/song.mid", debug))
    assert told in refusal.words
    assert not refusal.denied
    assert not refusal.this_object_only

"""Posting outcomes, to a server of the test's own."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from post_outcomes import post

from midi_ingest import Outcome
from midi_ingest.testing import Harness

OUTCOME = Outcome(task_id="a", status="complete", message="All files are stored.")


@dataclass
class Server:
    """What it was sent, and what it answers."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, bytes]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on a free port of this machine."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.headers["ce-id"], body))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_args: object, **_named: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        told.url = f"http://127.0.0.1:{http.server_port}/"
        monkeypatch.setenv("OUTCOMES_URL", told.url)
        yield told
        http.shutdown()


def test_the_outcome_is_posted_as_it_is_with_an_id_that_repeats_can_be_told_by(server: Server) -> None:
    Harness(post).send(OUTCOME, key="a")
    assert server.got == [("receipt-of-a", OUTCOME.encode())]


def test_what_the_server_refuses_is_a_dead_letter(server: Server) -> None:
    server.status = 422
    harness = Harness(post)
    harness.send(OUTCOME)
    assert [(letter.reason, letter.message) for letter in harness.dead_letters] == [
        ("refused", "The server answers 422.")
    ]


def test_too_many_at_once_come_again_when_the_server_says(server: Server) -> None:
    server.status, server.headers = 429, {"Retry-After": "30"}
    harness = Harness(post)
    harness.send(OUTCOME)
    assert [failed.retry_in for failed in harness.failed] == ["1m"]
    server.status = 200
    harness.advance(minutes=1)
    assert len(server.got) == 2


def test_nothing_is_lost_while_the_server_is_away(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = Harness(post)
    server.status = 503
    harness.send(OUTCOME, key="a")
    assert str(harness.blocked) == "The server answers 503."
    monkeypatch.setenv("OUTCOMES_URL", "http://127.0.0.1:1/")
    harness.advance(seconds=1)
    assert "does not answer" in str(harness.blocked)
    server.status = 200
    monkeypatch.setenv("OUTCOMES_URL", server.url)
    harness.advance(seconds=1)
    assert (len(server.got), harness.blocked, harness.failed) == (2, None, [])

"""A server that says what it is told to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, str]


@dataclass(frozen=True)
class Request:
    """What was asked: the path as it was sent, still encoded."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Answers:
    """What is said, in order; the last again and again. A status of 0 closes the connection without a word."""

    given: list[Answer] = field(default_factory=lambda: [(200, "")])
    asked: list[Request] = field(default_factory=list)
    url: str = ""

    def next(self) -> Answer:
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


@contextmanager
def answering(*given: Answer) -> Iterator[Answers]:
    """Run such a server."""
    answers = Answers(list(given) or [(200, "")])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.asked.append(Request(self.command, self.path, dict(self.headers), body))
            status, text = answers.next()
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nobody listens."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        answers.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield answers
        finally:
            server.shutdown()
            thread.join()

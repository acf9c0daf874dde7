"""What every worker promises, ours and the examples'; `midi_ingest.testing.contract` ships for users' own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import post_outcomes
import pytest
import songs_per_instrument
import stuck_tasks
from loudest_note import loudest

from midi_ingest import samples
from midi_ingest.testing import Harness, contract
from schemas.callback import Callback, Task
from schemas.file import MidiFile
from schemas.message import Body, Message
from schemas.outcome import Outcome
from schemas.score import Instrument, Note, Score
from workers.catalogue import BUILT_IN
from workers.runtime.api import Context, Dropped, Raw, State, Worker, worker

KEY = "task-1"
BODY = samples.song(KEY, 20)
PIANO = Instrument("Piano", 0, drums=False, channel=1, track=1, notes=[Note(0, 10, 60, 50)])
SCORE = Score(task_id=KEY, duration=10, warnings=[], instruments=[PIANO])
COMPLETE = Outcome(task_id=KEY, status="complete", message="All files are stored.")

EXAMPLES = [
    loudest, songs_per_instrument.tell, songs_per_instrument.count, post_outcomes.post, stuck_tasks.watch
]  # fmt: skip
WORKERS = {worker.name: worker for worker in (*BUILT_IN.values(), *EXAMPLES)}
DAILY: dict[str, Sequence[Message | bytes]] = {
    "deduplicate": [Callback(BODY)],
    "normalize": [Task(BODY)],
    "render": [SCORE],
    "store": [Task(BODY), SCORE, MidiFile(b"MThd")],
    "loudest-note": [SCORE],
    "tell-instruments": [SCORE],
    "count-songs": [songs_per_instrument.Played("Piano", KEY)],
    "post-outcomes": [COMPLETE],
    "watch-tasks": [Task(BODY), COMPLETE],
}
"""A message of each kind that a worker reads in its daily work. `route-failures` has none: all that it reads failed."""


class Agreeable(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the example that posts may post to."""
    with HTTPServer(("127.0.0.1", 0), Agreeable) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(autouse=True)
def _somewhere_to_post(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTCOMES_URL", url)


def test_every_worker_is_held_to_the_contract() -> None:
    assert {*DAILY, "route-failures"} == WORKERS.keys()


@pytest.mark.parametrize("promise", contract.PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize(
    ("name", "message"),
    [(name, message) for name, messages in DAILY.items() for message in messages],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_contract_is_kept(
    name: str, message: Message | bytes, promise: contract.Promise, tmp_path: Path
) -> None:
    promise(lambda: Harness(WORKERS[name], store=str(tmp_path)), message)


@pytest.mark.parametrize(
    "promise",
    [
        contract.the_same_record_gives_the_same_results,
        contract.a_tombstone_is_dropped,
        contract.what_cannot_be_read_costs_only_itself,
    ],
    ids=lambda promise: promise.__name__,
)
def test_what_routes_failures_keeps_what_concerns_it(promise: contract.Promise) -> None:
    promise(lambda: Harness(WORKERS["route-failures"]), b"value")


class Broken(Body, topic="broken"):
    """What the workers below read."""


class Last(Message, topic="last"):
    """What they write and remember."""

    text: str


CALLS: list[int] = []


@worker("changing", reads=Broken, writes=Last)
def changing(_message: Broken) -> Last:
    """Say something else each time."""
    CALLS.append(1)
    return Last(str(len(CALLS)))


@worker("failing", reads=Broken)
def failing(_message: Broken) -> None:
    raise KeyError("it")


@worker("strict", reads=Broken)
def strict(_message: Broken, context: Context) -> Dropped:
    return Dropped(context.headers["x-needed"])


@worker("impatient", reads=Broken, writes=Last)
def impatient(_message: Broken, context: Context) -> Last:
    return Last(str(context.attempt))


@worker("careless", reads=Broken, writes=Last)
def careless(message: Broken) -> Raw:
    """Write what nobody can read."""
    return Raw(Last.topic, b"", message.body)


@worker("forgetful", reads=Broken, writes=Last)
def forgetful(message: Broken, state: State[Last]) -> Last:
    """Remember in a global what should be in the state."""
    CALLS.append(1)
    state.put(Last(message.body.decode() + str(len(CALLS))))
    return Last("")


@pytest.mark.parametrize(
    ("worker", "promise"),
    [
        (changing, contract.the_same_record_gives_the_same_results),
        (failing, contract.a_good_record_does_not_fail),
        (strict, contract.no_headers_are_needed),
        (impatient, contract.a_retry_is_handled_like_the_first_try),
        (careless, contract.what_is_written_can_be_read),
        (forgetful, contract.the_same_record_gives_the_same_results),
        (forgetful, contract.what_is_remembered_outlives_the_process),
    ],
)
def test_a_broken_promise_is_told(worker: Worker, promise: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        promise(lambda: Harness(worker, retry_delays=("1s",)), Broken(b"x"))

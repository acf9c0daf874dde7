"""The HTTP contract: what `schemas/openapi.yaml` says is what the running ingress does, and nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import pytest
import requests
import schemathesis
import yaml
from hypothesis import settings
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

import ingest
from ingest.callbacks import Callbacks
from ingest.delivery import Delivery
from ingest.ingress import Ingress, State
from ingest.limits import Budgets
from ingest.origin.registry import VERIFIERS
from ingest.publishing.batches import TooLarge, Unavailable
from ingest.publishing.publisher import Publisher
from ingest.record import Record
from ingest.server import _state, listening
from ingest.settings import HEALTH, METRICS, READY, IngressSettings
from ingest.spool.spool import spooling
from schemas.dialects.registry import DIALECTS
from schemas.headers import from_wire
from tests.unit.ingest.wire import CALLBACK, PATH, Answer, Published, exchange, post, request, running

T = TypeVar("T")

DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[3] / "schemas" / "openapi.yaml").read_text()
)
SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT)
COMPONENTS: Final = DOCUMENT["components"]
EXAMPLES: Final = COMPONENTS["requestBodies"]["Callback"]["content"]["application/json"]["examples"]
TOKEN_PATH: Final = f"{PATH}/{{token}}"
TOKEN: Final = "sesame-0123456789abcdef"  # noqa: S105 - a test's
VERIFYING: Final = {"origin": "url-token", "url_tokens": TOKEN}

ANSWER_CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CHECKS: Final = [*ANSWER_CHECKS, not_a_server_error, unsupported_method, allow_header_conformance]
"""Not `positive_data_acceptance`: no schema can say that two task ids must be equal, or printable. Not
`ignored_auth`: which origin is verified is a setting. The rest of schemathesis' checks are about headers that are
required and resources that are made and deleted; here are none."""

ROOM: Final = 2**20
"""Bytes that whatever schemathesis makes up keeps below, so that each body is judged by what is in it."""


@contextmanager
def served(**chosen: Any) -> Iterator[str]:
    """The URL of an ingress in a thread of its own, since schemathesis blocks until it is answered."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    stack = AsyncExitStack()
    try:
        yield f"http://127.0.0.1:{wait(stack.enter_async_context(running(Published(), **chosen)))}"
    finally:
        wait(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(max_body_bytes=ROOM) as url:
        yield url


@pytest.fixture(scope="module")
def verifying_url() -> Iterator[str]:
    with served(max_body_bytes=ROOM, **VERIFYING) as url:
        yield url


@SCHEMA.parametrize()
@settings(max_examples=25, derandomize=True, database=None)
def test_whatever_is_sent_is_answered_as_documented(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, checks=[*CHECKS, negative_data_rejection])


@SCHEMA.include(path=TOKEN_PATH).parametrize()
@settings(max_examples=25, derandomize=True, database=None)
def test_whatever_a_verified_sender_sends_is_answered_as_documented(
    case: schemathesis.Case[Any], verifying_url: str
) -> None:
    case.path_parameters["token"] = TOKEN
    # What is no callback is kept aside with a 200, so that it is not rejected is right.
    case.call_and_validate(base_url=verifying_url, checks=CHECKS)


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def assert_documented(path: str, method: str, answer: Answer) -> None:
    """Hold an answer's status, headers and body against the document."""
    operation = SCHEMA[path][method]
    sent = requests.Request(method, f"http://ingress.test{path}").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    response = Response(answer.status, headers, answer.body, sent, elapsed=0, verify=False)
    operation.Case().validate_response(response, checks=ANSWER_CHECKS)


def behind(path: str, data: bytes) -> bytes:
    """The same request to another path."""
    return data.replace(PATH.encode(), path.encode(), 1)


ELSEWHERE: Final = {"allowed_addresses": "192.0.2.0/24"}
"""Settings with which nobody on this machine may post."""

POSTED: Final[list[tuple[int, dict[str, Any], bytes]]] = [
    (200, {}, post()),
    (200, VERIFYING, behind(f"{PATH}/{TOKEN}", post())),
    (200, VERIFYING, behind(f"{PATH}/{TOKEN}", post(b'{"task_id":7}'))),
    (200, VERIFYING, behind(f"{PATH}/{TOKEN}", post(b"{"))),
    (400, {}, post(b"{")),
    (400, {}, post(Content_Length="-1")),
    (401, VERIFYING, post()),
    (403, ELSEWHERE, post()),
    (404, {}, behind(f"{PATH}/{TOKEN}", post())),
    (405, {}, request("GET")),
    (408, {"body_timeout_seconds": 0.05}, post()[:-1]),
    (408, {"header_timeout_seconds": 0.05}, post()[:40]),
    (413, {}, post(b" " * 4097)),
    (415, {}, post(Content_Type="text/plain")),
    (415, {}, post(Content_Encoding="gzip")),
    (422, {}, post(b'{"task_id":7}')),
    (422, {}, post(b"[]")),
]
UNSAFE: Final = [
    (413, TooLarge("Kafka's limit is smaller.")),
    (500, RuntimeError("not foreseen")),
    (503, Unavailable("Kafka is away.")),
]


@pytest.mark.parametrize(("status", "chosen", "data"), POSTED)
async def test_each_answer_to_a_callback_is_as_documented(
    status: int, chosen: dict[str, Any], data: bytes
) -> None:
    async with running(Published(), **chosen) as port:
        answer = await exchange(port, data)
    assert answer.status == status
    assert_documented(PATH, "POST", answer)


@pytest.mark.parametrize(("status", "error"), UNSAFE)
async def test_each_answer_to_a_callback_that_is_not_safe_is_as_documented(
    port: int, published: Published, status: int, error: Exception
) -> None:
    published.error = error
    answer = await exchange(port, post())
    assert answer.status == status
    assert_documented(PATH, "POST", answer)


def test_no_status_is_documented_for_a_callback_that_was_not_tried_here() -> None:
    tried = {status for status, *_ in [*POSTED, *UNSAFE]}
    for path in (PATH, TOKEN_PATH):
        assert set(map(int, DOCUMENT["paths"][path]["post"]["responses"])) == tried


def test_every_status_that_the_code_names_is_documented() -> None:
    code = "".join(path.read_text() for path in Path(ingest.__path__[0]).rglob("*.py"))
    named = {int(HTTPStatus[name]) for name in re.findall(r"HTTPStatus\.([A-Z_]+)", code)}
    operations = [item[method] for item in DOCUMENT["paths"].values() for method in item if method in METHODS]
    assert {int(status) for operation in operations for status in operation["responses"]} == named | {200}
    assert not re.search(r"Response\([^)]*status=\d|web\.HTTP[A-Z]", code), "name it by HTTPStatus"


METHODS: Final = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}


def test_every_route_and_method_is_documented() -> None:
    ingress = Ingress(PATH, cast(Callbacks, None), state=lambda: State(ready=True, told={}))
    routes = {path: {*route.handlers, "OPTIONS"} for path, route in ingress._routes.items() if path != "*"}
    routes[TOKEN_PATH] = routes[PATH]
    assert routes == {
        path: {method.upper() for method in item if method in METHODS}
        for path, item in DOCUMENT["paths"].items()
    }


@pytest.mark.parametrize("path", [HEALTH, READY, METRICS])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("is_ready", [True, False])
async def test_each_answer_about_health_is_as_documented(path: str, method: str, is_ready: bool) -> None:
    async with running(Published(), ready=is_ready) as port:
        assert_documented(path, method, await exchange(port, request(method, path)))


@asynccontextmanager
async def with_a_spool(folder: Path) -> AsyncIterator[tuple[int, Delivery]]:
    """The port of an ingress that tells the state of a spool as `serve` does, and what delivers to the spool."""
    chosen = IngressSettings(port=0)
    async with spooling(folder, 2**20) as spool:
        budgets = Budgets.of(2**20)
        publisher = Publisher(chosen, budgets)
        publisher._link.lost_at = -inf  # Kafka has been away for ever
        delivery = Delivery(publisher, spool, budgets.spool, chosen.spool_timeout_seconds)
        ingress = Ingress(PATH, cast(Callbacks, None), state=lambda: _state(publisher, spool, delivery))
        async with listening(chosen, ingress, budgets) as port:
            yield port, delivery


async def test_readiness_tells_of_the_spool_as_documented(tmp_path: Path) -> None:
    async with with_a_spool(tmp_path / "spool") as (port, delivery):
        await delivery.deliver(Record("midi.callbacks", b"5c79", CALLBACK, []))
        answer = await exchange(port, request("GET", READY))
        with pytest.raises(Unavailable):
            await delivery.deliver(Record("midi.callbacks", b"5c79", bytes(2**20), []))
        assert (await exchange(port, request("GET", READY))).status == 503
    assert (answer.json()["kafka"], answer.json()["spool"]["records"]) == (False, 1)
    assert_documented(READY, "GET", answer)
    assert set(answer.json()) == set(COMPONENTS["schemas"]["Ready"]["properties"])


# Not 200.0 as the code: to JSON Schema that is an integer; the ingress wants it written as one, as the document says.
BODIES: Final[list[Any]] = [
    {},
    [],
    None,
    {"task_id": "a"},
    {"taskId": "a"},
    {"data": {"task_id": "a"}},
    {"data": {"taskId": "a"}},
    {"data": [{"task_id": "a"}]},
    {"data": [{"taskId": "a"}, {"taskId": "a"}]},
    {"data": {"data": {"task_id": "a"}}},
    {"task_id": None, "taskId": "a"},
    {"task_id": None},
    {"task_id": 7},
    {"task_id": 7, "taskId": "a"},
    {"task_id": ""},
    {"task_id": "é" * 200},
    {"task_id": "é" * 201},
    {"task_id": "a", "code": 200.5},
    {"task_id": "a", "code": "200"},
    {"task_id": "a", "code": None},
    {"task_id": "a", "code": True},
    {"task_id": "a", "success": "yes", "msg": [], "more": {}},
    {"task_id": "a", "data": 7},
    {"task_id": "a", "data": {"taskId": 7}},
    {"task_id": "a", "data": [{"taskId": 7}]},
    {"task_id": "a", "data": [{"taskId": 7}, {}]},
    {"task_id": "a", "data": [7]},
    {"task_id": "a", "data": {"state": 7, "instruments": "none"}},
]


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_is_taken_in_where_the_schema_takes_it_and_nowhere_else(port: int, body: Any) -> None:
    schema = {"$ref": "#/components/schemas/Callback", "components": COMPONENTS}
    valid = OAS31Validator(schema).is_valid(body)
    assert (await exchange(port, post(json.dumps(body).encode()))).status == (200 if valid else 422)


async def test_a_problem_has_the_members_that_are_documented(port: int) -> None:
    problem = COMPONENTS["schemas"]["Problem"]
    with_field, without = [(await exchange(port, post(body))).json() for body in (b"[]", b"{")]
    assert set(with_field) == set(problem["properties"])
    assert set(without) == set(problem["required"])


@pytest.mark.parametrize("name", EXAMPLES)
async def test_every_example_of_a_callback_is_received(port: int, published: Published, name: str) -> None:
    body = json.dumps(EXAMPLES[name]["value"]).encode()
    answer = await exchange(port, post(body))
    assert (answer.status, answer.json()) == (200, {"status": "received"})
    (record,) = published.records
    assert (record.key, record.value) == (b"5c79****be8e", body)
    assert from_wire(record.headers)["midi-dialect"] == (name if name != "failure" else "sunoapi.org")


def test_there_is_an_example_of_every_dialect() -> None:
    assert set(EXAMPLES) == {dialect.name for dialect in DIALECTS} | {"failure"}


def test_there_is_a_security_scheme_of_every_signature() -> None:
    described = " ".join(scheme["description"] for scheme in COMPONENTS["securitySchemes"].values())
    assert sorted(re.findall(r"MIDI_INGEST_ORIGIN=([a-z-]+)", described)) == sorted(
        name for name, kind in VERIFIERS.items() if kind.sign
    )
    for path in (PATH, TOKEN_PATH):
        chosen = [name for scheme in DOCUMENT["paths"][path]["post"]["security"] for name in scheme]
        assert chosen == list(COMPONENTS["securitySchemes"])


TEXTS: Final = {"detail", "reason"}
"""Members of answers that are for people, and may change."""


def told(document: dict[str, Any]) -> dict[str, Any]:
    """A document with its texts blanked."""
    return {name: "" if name in TEXTS else value for name, value in document.items()}


async def test_the_examples_of_answers_are_those_that_are_given(port: int) -> None:
    safe = COMPONENTS["responses"]["Safe"]["content"]["application/json"]["examples"]
    refused = COMPONENTS["responses"]["NotACallback"]["content"]["application/problem+json"]["example"]
    async with running(Published(), **VERIFYING) as verifying:
        quarantined = await exchange(verifying, behind(f"{PATH}/{TOKEN}", post(b"{}")))
    assert (await exchange(port, post())).json() == safe["received"]["value"]
    assert told(quarantined.json()) == told(safe["quarantined"]["value"])
    assert told((await exchange(port, post(b"{}"))).json()) == told(refused)

"""The HTTP contract: what `schemas/openapi.yaml` says is what the running ingress does, and nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import ingest
from ingest.settings import HEALTH, METRICS, READY
from tests.unit.ingest.wire import PATH, Published, running

FILE = Path(__file__).parents[3] / "schemas" / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text())
TOKEN_PATH = f"{PATH}/{{token}}"
CODE = {path: path.read_text() for path in Path(ingest.__path__[0]).rglob("*.py")}

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not those that hold a body against its schema: what a worker reads, the ingress takes in whatever it is."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An ingress in a thread of its own, since schemathesis waits for its answers."""
    started: list[int] = []
    ready = threading.Event()

    async def serve() -> None:
        stop.append(asyncio.Event())
        loop.append(asyncio.get_running_loop())
        async with running(Published()) as port:
            started.append(port)
            ready.set()
            await stop[0].wait()

    stop: list[asyncio.Event] = []
    loop: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield f"http://127.0.0.1:{started[0]}"
    loop[0].call_soon_threadsafe(stop[0].set)
    thread.join(20)


schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True)
def test_whatever_is_sent_is_answered_as_documented(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, checks=CHECKS)


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def responses() -> dict[str, Any]:
    answers: dict[str, Any] = DOCUMENT["paths"][PATH]["post"]["responses"]
    return answers


def test_every_status_that_the_code_answers_is_documented() -> None:
    named = set(re.findall(r"HTTPStatus\.([A-Z_]+)", "".join(CODE.values()))) - {
        "NO_CONTENT",
        "METHOD_NOT_ALLOWED",
    }
    assert {str(int(HTTPStatus[name])) for name in named} | {"200"} == set(responses())


def test_every_path_is_documented() -> None:
    assert set(DOCUMENT["paths"]) == {PATH, TOKEN_PATH, HEALTH, READY, METRICS}


def test_a_problem_has_the_members_that_are_documented(url: str) -> None:
    members = DOCUMENT["components"]["schemas"]["Problem"]["properties"]
    answer = requests.post(url + PATH, data=b"{}", headers={"Content-Type": "application/json"}, timeout=10)
    assert set(answer.json()) == set(members)


@pytest.mark.parametrize(
    "name", DOCUMENT["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]["examples"]
)
def test_every_example_is_received(url: str, name: str) -> None:
    examples = DOCUMENT["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]["examples"]
    answer = requests.post(url + PATH, json=examples[name]["value"], timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})

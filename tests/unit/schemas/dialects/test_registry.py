"""Which dialect a callback is read in: told by its shape, or forced."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.settings import IngressSettings
from schemas.dialects import AUTO, DIALECTS, read_callback, read_envelope
from schemas.dialects.dialect import Shape
from schemas.dialects.registry import choose
from tests.unit.schemas.dialects.senders import ACEDATA, KIE, MIXTURES, SENDERS, SUNOAPI, failure, success


@pytest.mark.parametrize("name", [AUTO, *SENDERS])
def test_each_can_be_set(name: str) -> None:
    assert IngressSettings(vendor=name).vendor == name


def test_another_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match=f"expected {', '.join([AUTO, *SENDERS])}"):
        IngressSettings(vendor="suno")


@pytest.mark.parametrize("page", ["docs/dialects.md", ".env.example", "README.md"])
def test_each_is_documented(page: str) -> None:
    text = (Path(__file__).parents[4] / page).read_text()
    assert [name for name in SENDERS if name not in text] == []


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("callback", [success, failure])
def test_each_sender_is_told_by_the_shape_of_what_it_sends(
    sender: str, callback: Callable[[str], bytes]
) -> None:
    body = callback(sender)
    assert read_envelope(body) == ("a1", sender)
    assert read_callback(body).dialect == sender


@pytest.mark.parametrize(("body", "sender"), MIXTURES.items())
def test_a_mixture_is_read_as_the_sender_that_it_is_most_like(body: bytes, sender: str) -> None:
    assert read_envelope(body) == ("a1", sender)
    assert read_callback(body).dialect == sender


@pytest.mark.parametrize(
    ("body", "sender"),
    [
        (b'{"task_id": "a1", "state": "running"}', SUNOAPI),
        (b'{"data": {"taskId": "a1", "state": "running"}}', KIE),
        (b'{"task_id": "a1", "success": true, "state": "running"}', ACEDATA),
        (b'{"task_id": "a1", "success": null}', SUNOAPI),
        (b'{"task_id": "a1", "success": "odd"}', ACEDATA),
        (b'{"task_id": "a1", "data": "odd"}', SUNOAPI),
        (b'{"task_id": "a1", "data": [1, 2]}', ACEDATA),
        (b'{"task_id": null, "data": {"taskId": "a1", "instruments": "odd"}}', KIE),
    ],
)
def test_what_is_neither_success_nor_failure_has_a_dialect_too(body: bytes, sender: str) -> None:
    assert read_envelope(body) == ("a1", sender)
    assert read_callback(body).dialect == sender


@pytest.mark.parametrize("forced", SENDERS)
@pytest.mark.parametrize("sender", SENDERS)
def test_a_dialect_can_be_forced(sender: str, forced: str) -> None:
    assert read_envelope(success(sender), forced) == ("a1", forced)
    assert read_callback(success(sender), forced).dialect == forced


@pytest.mark.parametrize("name", [AUTO, "", "suno", "SUNOAPI.ORG", "kie.ai ", "\ufffd"])
@pytest.mark.parametrize("sender", SENDERS)
def test_where_a_name_is_no_dialects_the_shape_tells(sender: str, name: str) -> None:
    assert read_envelope(success(sender), name).dialect == sender
    assert read_callback(success(sender), name).dialect == sender


@pytest.mark.parametrize("shape", [Shape(*bits) for bits in product([False, True], repeat=4)])
def test_every_shape_has_a_dialect(shape: Shape) -> None:
    assert choose(AUTO, shape) in DIALECTS

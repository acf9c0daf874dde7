"""A message says of itself, in the head of its class, which topic carries it."""

from __future__ import annotations

import re

import pytest

from schemas.message import Body, Message, Topic


class Loudest(Message, topic="loudest"):
    """As short as can be."""

    pitch: int
    velocity: int = 100


class Renamed(
    Loudest, topic=Topic("renamed", cleanup="compact"), kind="test.renamed", version=2, kw_only=True
):
    """All that may be said."""

    note: str = ""


class Blob(Body, topic="blobs"):
    """Bytes that nobody re-encodes."""


def test_a_name_is_enough_for_a_topic_and_is_the_kind_too() -> None:
    assert (Loudest.topic, Loudest.kind, Loudest.version) == (Topic("loudest"), "loudest", 1)
    assert Loudest.content_type == "application/json"


def test_everything_may_be_said() -> None:
    assert (Renamed.topic.cleanup, Renamed.kind, Renamed.version) == ("compact", "test.renamed", 2)
    assert Renamed(1, note="x") == Renamed.decode(b'{"pitch":1,"note":"x"}')


def test_a_message_is_a_struct_that_nobody_changes() -> None:
    message = Loudest(60)
    assert message == Loudest.decode(message.encode())
    with pytest.raises(AttributeError, match="immutable"):
        message.pitch = 61  # type: ignore[misc, unused-ignore]  # that is the point


def test_a_body_is_its_bytes() -> None:
    assert Blob(b"\xff").encode() == b"\xff"
    assert Blob.decode(b"\xff") == Blob(b"\xff")


@pytest.mark.parametrize("name", ["", ".", "..", "two words", "straße", "a/b", "x\n", "x" * 170, 5])
def test_a_name_that_kafka_takes_for_no_topic_is_refused_where_it_is_said(name: str) -> None:
    told = re.escape(f"'.', '_' and '-', not {name!r}")
    with pytest.raises(ValueError, match=told):
        Topic(name)
    with pytest.raises(ValueError, match=told):

        class Refused(Message, topic=name):
            """Never made."""


@pytest.mark.parametrize("name", ["x", "instruments.songs", "A_b-c.9", "...", "x" * 169])
def test_any_name_that_kafka_takes_beside_the_longest_prefix_will_do(name: str) -> None:
    assert Topic(name).name == name

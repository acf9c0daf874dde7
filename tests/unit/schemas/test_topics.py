"""The topics as the README's table has them, and how long each is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus, letter_key
from schemas.file import MidiFile
from schemas.message import Message, Topic
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import DEAD_LETTER, FAILURES, Layout, changelog, distinct, retry, shared

LAYOUT = Layout(prefix="midi.", partitions=6, replication_factor=-1, max_body_bytes=8 * 1024 * 1024)
DAYS = 24 * 60 * 60 * 1000

TABLE = [
    (Callback.topic, "midi.callbacks", "delete", 30),
    (Task.topic, "midi.tasks", "delete", 30),
    (Score.topic, "midi.scores", "compact,delete", 30),
    (MidiFile.topic, "midi.files", "compact,delete", 30),
    (Outcome.topic, "midi.outcomes", "compact,delete", 30),
    (FAILURES, "midi.failures", "delete", 7),
    (retry("normalize", "now"), "midi.retry.normalize.now", "delete", 7),
    (retry("route-failures", "10m"), "midi.retry.route-failures.10m", "delete", 7),
    (DEAD_LETTER, "midi.dead-letter", "delete", 90),
    (DeadLetterStatus.topic, "midi.dead-letter.status", "compact,delete", 90),
    (changelog("store", timedelta(days=30)), "midi.store.changelog", "compact,delete", 30),
    (changelog("deduplicate", timedelta(days=14)), "midi.deduplicate.changelog", "compact,delete", 14),
]


@pytest.mark.parametrize(("topic", "name", "cleanup", "days"), TABLE)
def test_each_topic_has_its_name_and_is_kept_as_long_as_designed(
    topic: Topic, name: str, cleanup: str, days: int
) -> None:
    assert LAYOUT.name(topic) == name
    config = LAYOUT.config(topic)
    assert (config["cleanup.policy"], config["retention.ms"]) == (cleanup, str(days * DAYS))


def test_a_record_may_be_1_mib_larger_than_the_largest_body() -> None:
    assert LAYOUT.max_record_bytes == 9 * 1024 * 1024
    assert LAYOUT.config(Callback.topic)["max.message.bytes"] == str(9 * 1024 * 1024)


def test_kafka_keeps_the_compression_that_the_producers_chose() -> None:
    assert LAYOUT.config(Callback.topic)["compression.type"] == "producer"


def test_the_prefix_begins_every_name() -> None:
    mine = Layout("mine-", 1, 1, 1024)
    assert mine.name(retry("store", "5s")) == "mine-retry.store.5s"


def test_the_shared_topics_are_those_that_belong_to_no_worker() -> None:
    assert {topic.name for topic in shared()} == {
        "callbacks", "tasks", "scores", "files", "outcomes", "failures", "dead-letter", "dead-letter.status",
    }  # fmt: skip


def test_each_topic_is_listed_once_in_the_order_given() -> None:
    assert distinct([FAILURES, DEAD_LETTER, FAILURES]) == [FAILURES, DEAD_LETTER]


@pytest.mark.parametrize(
    ("message", "kind", "content_type"),
    [
        (Callback, "midi.callback", "application/json"),
        (Task, "midi.task", "application/json"),
        (Score, "midi.score", "application/json"),
        (MidiFile, "midi.file", "audio/midi"),
        (Outcome, "midi.outcome", "application/json"),
    ],
)
def test_each_message_has_the_kind_that_the_header_ce_type_names(
    message: type[Message], kind: str, content_type: str
) -> None:
    assert (message.kind, message.content_type) == (kind, content_type)


@pytest.mark.parametrize("message", [Callback, Task, MidiFile])
def test_a_body_travels_byte_for_byte(message: type[Message]) -> None:
    body = bytes(range(256))
    assert message.decode(body).encode() == body


def test_a_letters_key_says_who_failed_on_which_record() -> None:
    assert letter_key("render", "midi.scores", 4, 17) == "render/midi.scores/4/17"

"""When a store can be read on from where it is, and when it has to be filled from the beginning."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import msgspec
import pytest

from workers.runtime.state.checkpoint import Checkpoint, Log, shape_of, version_of, why_cold

KEPT_MS = 1_000
LOG = Log("topic", beginning=10, end=20, tombstones_kept_ms=KEPT_MS)
CHECKPOINT = Checkpoint("topic", "shape", position=15, as_of_ms=5_000)


def cold(checkpoint: Checkpoint | None = CHECKPOINT, log: Log = LOG, now_ms: int = 5_100) -> str | None:
    return why_cold(checkpoint, "shape", log, now_ms)


@pytest.mark.parametrize("position", [10, 15, 20])
def test_a_store_whose_position_is_in_the_log_is_read_on(position: int) -> None:
    assert cold(replace(CHECKPOINT, position=position)) is None


@pytest.mark.parametrize(
    ("checkpoint", "why"),
    [
        (None, "no complete store"),
        (replace(CHECKPOINT, shape="other"), "another shape"),
        (replace(CHECKPOINT, topic_id="other"), "another topic"),
        (replace(CHECKPOINT, position=21), "another topic"),
        (replace(CHECKPOINT, position=9), "deleted what came next"),
    ],
)
def test_any_other_store_is_filled_from_the_beginning(checkpoint: Checkpoint | None, why: str) -> None:
    assert why in str(cold(checkpoint))


@pytest.mark.parametrize(("age_ms", "warm"), [(KEPT_MS - 1, True), (KEPT_MS, False)])
def test_a_store_older_than_tombstones_are_kept_might_have_missed_some(age_ms: int, warm: bool) -> None:
    assert (cold(now_ms=CHECKPOINT.as_of_ms + age_ms) is None) == warm


def test_where_kafka_tells_no_id_the_topic_might_be_another() -> None:
    assert "another topic" in str(cold(log=replace(LOG, topic_id=None)))


class One(msgspec.Struct):
    n: int


def test_another_field_type_or_version_is_another_shape() -> None:
    two = msgspec.defstruct("One", [("n", int), ("m", int, 0)])
    text = msgspec.defstruct("One", [("n", str)])

    class Newer(One):
        version: ClassVar[int] = 2

    assert len({shape_of(kind) for kind in (One, two, text, Newer)}) == 4
    assert shape_of(One) == shape_of(msgspec.defstruct("One", [("n", int)]))
    assert (version_of(One), version_of(Newer)) == (1, 2)

"""Which key tells what became of a letter."""

from __future__ import annotations

import pytest

from schemas import headers as h
from schemas.dead_letter import letter_key, letter_key_of

TOLD = {h.ERROR_WORKER: "render", h.ERROR_TOPIC: "midi.scores", h.ERROR_PARTITION: "2", h.ERROR_OFFSET: "17"}


def test_a_letter_is_known_by_where_its_record_failed() -> None:
    assert letter_key_of(TOLD, "midi.dead-letter", 2, 5) == letter_key("render", "midi.scores", 2, 17)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (h.ERROR_TOPIC, ""),
        *((name, v) for name in (h.ERROR_PARTITION, h.ERROR_OFFSET) for v in ("", "-1", "x")),
    ],
)
def test_a_letter_that_does_not_tell_is_known_by_where_it_lies(name: str, value: str) -> None:
    by_itself = letter_key("render", "midi.dead-letter", 2, 5)
    assert letter_key_of(TOLD | {name: value}, "midi.dead-letter", 2, 5) == by_itself
    without = {told: text for told, text in TOLD.items() if told != name}
    assert letter_key_of(without, "midi.dead-letter", 2, 5) == by_itself

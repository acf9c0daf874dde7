"""What of each partition can be deleted."""

from __future__ import annotations

from aiokafka import TopicPartition

from midi_ingest.dead_letters.purge import prefixes
from tests.unit.midi_ingest.dead_letters.letters import letter


def ends(*numbers: int) -> dict[TopicPartition, int]:
    return {TopicPartition("midi.dead-letter", p): end for p, end in enumerate(numbers)}


def test_what_lies_behind_an_open_letter_stays() -> None:
    letters = [
        letter("0:0"),
        letter("0:2", status="redriven"),
        letter("0:4"),
        letter("0:6"),
        letter("1:1"),
    ]
    found = prefixes(letters, [letters[0], letters[3]], ends(8, 3))
    assert {p: (x.end, [y.id for y in x.letters]) for p, x in found.items()} == {0: (4, ["0:0", "0:2"])}


def test_a_partition_without_open_letters_is_deleted_to_its_end() -> None:
    letters = [letter("0:0"), letter("0:2", status="resolved"), letter("0:4", status="purged")]
    found = prefixes(letters, letters[:1], ends(6))
    assert (found[0].end, len(found[0].letters)) == (6, 3)


def test_letters_that_came_after_the_end_was_asked_for_stay() -> None:
    letters = [letter("0:0"), letter("0:6")]
    found = prefixes(letters, letters, ends(6))
    assert (found[0].end, [x.id for x in found[0].letters]) == (6, ["0:0"])


def test_a_partition_with_nothing_to_delete_is_left_alone() -> None:
    assert prefixes([letter("0:3")], [], ends(4, 0)) == {}

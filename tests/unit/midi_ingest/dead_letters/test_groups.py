"""Letters of one kind as one line."""

from __future__ import annotations

from midi_ingest.dead_letters.groups import grouped
from tests.unit.midi_ingest.dead_letters.letters import letter
from tests.unit.midi_ingest.kafka_records import NOON_MS


def test_letters_are_grouped_by_reason_worker_and_status_faults_first() -> None:
    letters = [
        *(letter(f"0:{n}", reason="provider-failed", worker="deduplicate") for n in range(5)),
        letter("1:0", worker="render"),
        letter("1:1", worker="normalize"),
        letter("1:2", worker="normalize"),
        letter("1:3", worker="normalize", status="redriven"),
    ]
    kinds = [(g.newest.reason, g.newest.worker, g.newest.status, g.count) for g in grouped(letters)]
    assert kinds[0] == ("unexpected-error", "normalize", "open", 2)
    assert sorted(kinds[1:3]) == [
        ("unexpected-error", "normalize", "redriven", 1),
        ("unexpected-error", "render", "open", 1),
    ]
    assert kinds[3] == ("provider-failed", "deduplicate", "open", 5)


def test_a_group_tells_from_when_to_when_how_much_and_its_newest_letter() -> None:
    times = {"0:1": NOON_MS + 5, "2:7": NOON_MS + 9, "0:0": NOON_MS}
    (group,) = grouped(letter(letter_id, timestamp_ms=ms) for letter_id, ms in times.items())
    assert (group.count, group.first_ms, group.last_ms, group.size_bytes) == (3, NOON_MS, NOON_MS + 9, 30)
    assert group.newest.id == "2:7"

"""What each record tells of its task."""

from __future__ import annotations

import pytest

from midi_ingest import samples
from midi_ingest.journey.event import Event, event_in
from schemas import headers as h
from schemas.dead_letter import DeadLetterStatus
from schemas.outcome import Outcome
from schemas.score import Score, Warning  # noqa: A004 - the contract's word
from tests.unit.midi_ingest.kafka_records import failure_headers, kafka_record

SCORE = Score(task_id="a", duration=1920, warnings=[Warning("no-notes", 2, "instruments[0]")], instruments=[])
COMPLETE = Outcome(task_id="a", status="complete", message="All files are stored.", file="/songs/a/song.mid")
FAILED = Outcome(task_id="a", status="failed", message="broken", reason="provider-failed")
REDRIVEN = DeadLetterStatus(status="redriven", at="2026-11-25T12:00:00.000000Z", by="me@here")


def event(topic: str, value: bytes | None, **headers: str) -> Event:
    return event_in(topic, kafka_record(f"midi.{topic}", value=value, headers=headers))


@pytest.mark.parametrize(
    ("topic", "value", "what"),
    [
        ("callbacks", samples.sample(), "success from sunoapi.org, 1,184 bytes"),
        ("callbacks", b'{"task_id":"a","code":500,"msg":"no"}', "failure from sunoapi.org, 37 bytes: no"),
        (
            "callbacks",
            b'{"task_id":"a","code":200,"data":{"state":"running"}}',
            "pending from sunoapi.org, 53 bytes",
        ),
        ("callbacks", b"{", "invalid from auto, 1 bytes: The body is not JSON: it ends too early"),
        ("tasks", b"12345", "5 bytes"),
        ("scores", SCORE.encode(), "2.0 s, 0 instruments, 0 notes; warnings: no-notes ×2"),
        ("scores", b"[]", "cannot be read: "),
        ("files", b"MThd", "4 bytes"),
        ("outcomes", COMPLETE.encode(), "complete: /songs/a/song.mid"),
        ("outcomes", FAILED.encode(), "failed: provider-failed: broken"),
        ("outcomes", None, "deleted"),
        ("retry.my-worker.10m", b"", "to my-worker once more, after 10m"),
        ("retry.retry.now", b"", "to retry once more, at once"),
        ("dead-letter.status", REDRIVEN.encode(), "redriven by me@here"),
    ],
)
def test_a_record_is_told_in_words(topic: str, value: bytes | None, what: str) -> None:
    assert event(topic, value).what.startswith(what)


def test_a_failure_and_a_letter_tell_which_worker_failed_why_and_how_often() -> None:
    headers = failure_headers("too-large")
    assert event("failures", b"", **headers).what == "normalize, attempt 4: too-large: why"
    letter = event("dead-letter", b"", **headers)
    assert letter.what == "3:1042 of normalize, attempt 4: too-large: why"
    assert letter.details["status_key"] == "normalize/midi.tasks/3/17"


def test_what_a_replay_led_to_is_told_as_such() -> None:
    replayed = event("files", b"MThd", **{h.ORIGIN: "replay"})
    assert replayed.what == "4 bytes (replay)"
    assert replayed.document()["origin"] == "replay"


def test_an_event_as_json_tells_when_and_where() -> None:
    document = event("scores", SCORE.encode(), **{h.CE_ID: "receipt"}).document()
    assert document["at"] == "2025-11-25T12:00:00.000Z"
    assert (document["topic"], document["partition"], document["offset"]) == ("scores", 3, 1042)
    assert (document["duration_seconds"], document["notes"], document["receipt"]) == (2.0, 0, "receipt")
    assert document["warnings"] == [{"code": "no-notes", "count": 2, "first": "instruments[0]"}]

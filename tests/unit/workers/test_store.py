"""`store`: each task's files, in whatever order they come, then one outcome."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from midi_ingest.testing import Harness
from schemas import headers as h
from schemas.callback import Task
from schemas.file import MidiFile
from schemas.message import Message
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.score import Warning as ScoreWarning
from workers.files.directory import write_whole
from workers.runtime.record import Record
from workers.store import AT_ONCE, store

DAY_MS = 24 * 60 * 60 * 1000
BODY = b' {"task_id": "a1", "code": 200, "data": {}}\n'
SONG = b"MThd\x00\xff"
WARNINGS = [ScoreWarning("zero-length", 2, "instruments[0].notes[1]")]
ORDERS = list(itertools.permutations(range(3)))


def score(warnings: list[ScoreWarning] = WARNINGS) -> Score:
    return Score(task_id="a1", duration=0, warnings=warnings, instruments=[])


def arrived(
    message: Message, *, time: str = "12:00:00", receipt: str = "r1", key: str = "a1", offset: int = 0
) -> Record:
    """A message of the result received at that time of the day."""
    headers = {
        h.CE_ID: receipt,
        h.CE_TIME: f"2026-05-01T{time}.000000Z",
        "midi-correlation-user": "7",
    }
    return replace(Harness(store).record(message, key=key, headers=headers), offset=offset)


def result(time: str = "12:00:00", receipt: str = "r1", song: bytes = SONG, key: str = "a1") -> list[Record]:
    """Task, score and song of one callback."""
    messages: Sequence[Message] = (Task(BODY), score(), MidiFile(song))
    return [arrived(message, time=time, receipt=receipt, key=key) for message in messages]


@pytest.fixture
def lane(tmp_path: Path) -> Harness:
    return Harness(store, store=str(tmp_path))


def test_each_message_becomes_its_file(lane: Harness, tmp_path: Path) -> None:
    lane.deliver(*result())
    found = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {
        "tasks/a1/callback.json": BODY,
        "tasks/a1/score.json": score().encode(),
        "tasks/a1/song.mid": SONG,
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("together", [False, True])
def test_the_last_file_missing_makes_the_task_complete_in_any_order(
    lane: Harness, tmp_path: Path, order: tuple[int, ...], together: bool
) -> None:
    records = [result()[number] for number in order]
    batches = [lane.deliver(*records)] if together else [lane.deliver(one) for one in records]
    assert [len(batch) for batch in batches] == ([1] if together else [0, 0, 1])
    assert batches[-1] == [
        Outcome(
            task_id="a1",
            status="complete",
            message="All files are stored.",
            file=str(tmp_path.absolute() / "tasks" / "a1" / "song.mid"),
            warnings=WARNINGS,
            correlation={"user": "7"},
        )
    ]


def test_the_outcome_is_written_under_the_tasks_id(lane: Harness) -> None:
    lane.deliver(*result())
    assert [written.key for written in lane.written] == ["a1"]


def test_the_file_is_named_absolutely_wherever_the_process_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (outcome,) = Harness(store, store="./data").deliver(*result())
    assert outcome.file
    assert Path(outcome.file).is_absolute()
    assert Path(outcome.file).read_bytes() == SONG


@pytest.mark.parametrize("missing", range(3))
def test_a_task_with_a_file_missing_is_not_complete(lane: Harness, missing: int) -> None:
    records = [one for number, one in enumerate(result()) if number != missing]
    assert not lane.deliver(*records, *records)


def test_files_of_different_receipts_do_not_complete_each_other(lane: Harness) -> None:
    early, late = result("12:00:00", "r1"), result("12:00:01", "r2")
    assert not lane.deliver(early[0], early[1], late[2])
    assert not lane.deliver(late[0])
    assert len(lane.deliver(late[1])) == 1


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (("12:00:01", "r1"), ("12:00:00", "r2")),
        (("12:00:00", "r2"), ("12:00:00", "r1")),
        (("12:00:10", "r1"), ("12:00:09", "r1")),
    ],
)
def test_an_older_result_never_replaces_a_newer_one(
    lane: Harness, tmp_path: Path, newer: tuple[str, str], older: tuple[str, str]
) -> None:
    lane.deliver(*result(*newer, song=b"newer"))
    assert lane.deliver(*result(*older, song=b"older")) == []
    assert lane.dropped == {"older-result": 3}
    assert (tmp_path / "tasks/a1/song.mid").read_bytes() == b"newer"


def test_one_file_of_a_newer_result_is_enough_to_refuse_the_older(lane: Harness, tmp_path: Path) -> None:
    newer, older = result("12:00:01", song=b"newer"), result("12:00:00", song=b"older")
    lane.deliver(newer[0])
    lane.deliver(*older)
    assert lane.dropped == {"older-result": 3}
    assert not (tmp_path / "tasks/a1/song.mid").exists()
    assert len(lane.deliver(newer[1], newer[2])) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_a_newer_result_replaces_the_older_and_is_reported_once_it_is_whole(
    lane: Harness, tmp_path: Path, order: tuple[int, ...]
) -> None:
    lane.deliver(*result("12:00:00"))
    newer = result("12:00:01", song=b"newer")
    assert [len(lane.deliver(newer[number])) for number in order] == [0, 0, 1]
    assert (tmp_path / "tasks/a1/song.mid").read_bytes() == b"newer"


def test_a_replay_rewrites_the_files_and_reports_again(lane: Harness, tmp_path: Path) -> None:
    lane.deliver(*result())
    (tmp_path / "tasks/a1/song.mid").unlink()
    replayed = [arrived(score([])), arrived(MidiFile(b"replayed"))]
    (outcome,) = lane.deliver(*replayed)
    assert outcome.warnings == []
    assert (tmp_path / "tasks/a1/song.mid").read_bytes() == b"replayed"


def test_a_score_alone_that_comes_again_is_rewritten_but_not_reported(lane: Harness, tmp_path: Path) -> None:
    lane.deliver(*result())
    assert not lane.deliver(arrived(score([])))
    assert (tmp_path / "tasks/a1/score.json").read_bytes() == score([]).encode()


def test_the_warnings_are_remembered_until_the_song_is_there(lane: Harness) -> None:
    task, its_score, song = result()
    lane.deliver(its_score)
    lane.deliver(task)
    assert lane.deliver(song)[0].warnings == WARNINGS


def test_tasks_have_folders_of_their_own(lane: Harness, tmp_path: Path) -> None:
    lane.deliver(*result(key="a1", song=b"one"), *result(key="5c79****be8e", song=b"two"))
    assert (tmp_path / "tasks/a1/song.mid").read_bytes() == b"one"
    assert (tmp_path / "tasks/5c79%2A%2A%2A%2Abe8e/song.mid").read_bytes() == b"two"


def test_files_of_different_tasks_are_written_at_once(
    lane: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_there = threading.Barrier(AT_ONCE, timeout=30)

    def together(path: Path, content: bytes) -> None:
        all_there.wait()
        write_whole(path, content)

    monkeypatch.setattr("workers.files.directory.write_whole", together)
    lane.deliver(*(arrived(MidiFile(SONG), key=f"t{number}") for number in range(AT_ONCE)))
    assert len(list(tmp_path.glob("tasks/*/song.mid"))) == AT_ONCE


def test_files_of_one_task_are_written_in_their_order(
    lane: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = threading.Lock()

    def alone(path: Path, content: bytes) -> None:
        assert one_by_one.acquire(blocking=False)
        write_whole(path, content)
        one_by_one.release()

    monkeypatch.setattr("workers.files.directory.write_whole", alone)
    lane.deliver(*(arrived(MidiFile(bytes([number])), time=f"12:00:{number:02}") for number in range(20)))
    assert lane.failed == []
    assert (tmp_path / "tasks/a1/song.mid").read_bytes() == bytes([19])


def test_after_the_window_a_task_begins_anew(lane: Harness) -> None:
    task, its_score, song = result()
    lane.deliver(task, its_score)
    assert not lane.deliver(replace(song, timestamp_ms=song.timestamp_ms + 31 * DAY_MS))


def test_a_store_that_cannot_be_written_fails_nothing_and_waits(tmp_path: Path) -> None:
    (tmp_path / "tasks").write_bytes(b"a file in the place of the folder")
    lane = Harness(store, store=str(tmp_path))
    assert lane.deliver(*result()) == []
    assert lane.failed == []
    assert str(tmp_path) in str(lane.blocked)
    (tmp_path / "tasks").unlink()
    assert len(lane.advance(seconds=1)) == 1


def test_a_score_that_is_none_is_a_failure_and_leaves_no_file(lane: Harness, tmp_path: Path) -> None:
    lane.deliver(replace(result()[1], value=b"{"))
    assert [letter.reason for letter in lane.dead_letters] == ["invalid-payload"]
    assert not (tmp_path / "tasks").exists()

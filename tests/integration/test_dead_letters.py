"""`midi-ingest dlq` on a real Kafka: found, read, sent again once, thrown away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import ProducerFenced

from broker import clients, topics
from broker.partitioner import partition
from midi_ingest import samples
from midi_ingest.dead_letters.marks import TRANSACTIONS
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback
from schemas.dead_letter import DeadLetterStatus
from schemas.topics import DEAD_LETTER, NOW, retry
from tests.in_process import command, output_of
from tests.topics import Seen, eventually, make_settings, read_all, write

TO_NORMALIZE = retry("normalize", NOW)


def headers(reason: str, offset: int, worker: str = "normalize", **more: str) -> dict[str, str]:
    """The headers of a letter; each ``offset`` is another record's."""
    return {
        h.CE_ID: f"receipt-{offset}",
        h.TRACEPARENT: "00-0-0-01",
        h.ERROR_REASON: reason,
        h.ERROR_MESSAGE: "This is why.",
        h.ERROR_WORKER: worker,
        h.ERROR_TOPIC: "tasks",
        h.ERROR_PARTITION: "0",
        h.ERROR_OFFSET: str(offset),
        h.ERROR_ATTEMPTS: "4",
        **more,
    }


async def bury(settings: Settings, *letters: tuple[str, bytes, Mapping[str, str]]) -> None:
    """Append dead letters (key, value, headers)."""
    await write(settings, DEAD_LETTER, *letters)


async def asked(settings: Settings, *arguments: str) -> dict[str, object]:
    """What a command of `dlq` tells as JSON."""
    code, output, errors = await command(settings, "dlq", *arguments, "--output", "json")
    assert (code, errors) == (0, "")
    told: dict[str, object] = json.loads(output)
    return told


async def ids(settings: Settings, *arguments: str) -> list[str]:
    """The ids of the letters that `dlq list` shows."""
    letters = (await asked(settings, "list", "--each", *arguments))["letters"]
    assert isinstance(letters, list)
    return [letter["id"] for letter in letters]


async def statuses(settings: Settings) -> list[tuple[str, str]]:
    """Each mark that was ever made: key and status."""
    marks = await read_all(settings, DeadLetterStatus.topic)
    return [(mark.key, DeadLetterStatus.decode(mark.value).status) for mark in marks]


async def test_letters_are_listed_by_reason_with_faults_apart_and_shown_one_by_one(
    settings: Settings,
) -> None:
    assert await command(settings, "dlq", "list") == (0, "No dead letters.\n", "")
    failed = b'{"task_id":"a","code":500}'
    await bury(
        settings,
        ("a", failed, headers(reasons.PROVIDER_FAILED, 1, "deduplicate")),
        ("b", failed, headers(reasons.PROVIDER_FAILED, 2, "deduplicate")),
        ("a", b"\xff\x00", headers(reasons.UNEXPECTED_ERROR, 3, **{h.ERROR_EXCEPTION: "ValueError: deep"})),
    )
    groups = (await asked(settings, "list"))["groups"]
    assert isinstance(groups, list)
    assert [(g["reason"], g["worker"], g["count"], g["fault"]) for g in groups] == [
        ("unexpected-error", "normalize", 1, True),
        ("provider-failed", "deduplicate", 2, False),
    ]
    _, table, _ = await command(settings, "dlq", "list")
    assert table.index("System faults") < table.index("unexpected-error") < table.index("Foreseen")

    assert len(await ids(settings, "--task", "a")) == 2
    assert await ids(settings, "--since", "1h", "--until", "1m") == []
    assert len(await ids(settings, "--since", "1h", "--limit", "2")) == 2
    (fault,) = await ids(settings, "--worker", "normalize", "--reason", "unexpected-error", "--since", "1h")

    code, shown, _ = await command(settings, "dlq", "show", fault)
    assert code == 0
    for part in (fault, "tasks, partition 0, offset 3", "This is why.", "ValueError: deep", "It is no text"):
        assert part in shown
    code, _, errors = await command(settings, "dlq", "show", "0:9999")
    assert (code, "There is no letter 0:9999" in errors) == (1, True)
    assert await output_of(settings, "dlq", "show", fault, "--raw") == b"\xff\x00"


async def test_what_waits_for_another_try_is_told_beside_the_letters(settings: Settings) -> None:
    await topics.apply(settings, [retry("picky", "5s")])
    assert (await asked(settings, "list"))["waiting"] == {}
    await write(settings, retry("picky", "5s"), ("a", b"{}", {}), ("a", b"{}", {}))
    waiting = (await asked(settings, "list"))["waiting"]
    assert isinstance(waiting, dict)
    assert list(waiting) == ["picky"]
    assert 1 <= waiting["picky"] <= 2  # the last offset of a partition may be a transaction's marker
    _, told, _ = await command(settings, "dlq", "list")
    assert "of picky wait for another try" in told


@pytest.mark.parametrize(
    "arguments", [["dlq", "list"], ["replay", "--from", "1h"], ["task", "a"]], ids=" ".join
)
async def test_kafka_that_does_not_answer_and_topics_that_are_missing_are_named(
    kafka_servers: str, tmp_path: Path, arguments: list[str]
) -> None:
    code, _, errors = await command(make_settings("127.0.0.1:1", tmp_path), *arguments)
    assert (code, "127.0.0.1:1" in errors, "Traceback" in errors) == (1, True, False)
    code, _, errors = await command(make_settings(kafka_servers, tmp_path), *arguments)
    assert (code, "midi-ingest topics apply" in errors) == (1, True)


async def test_what_was_not_read_in_time_is_said_and_exits_1(settings: Settings) -> None:
    await bury(settings, ("a", b"{}", headers(reasons.TOO_LARGE, 1)))
    code, output, errors = await command(settings, "dlq", "list", "--timeout", "0.000001", "--output", "json")
    assert (code, json.loads(output)["complete"]) == (1, False)
    assert "this is not all" in errors
    code, _, errors = await command(
        settings, "dlq", "purge", "--everything", "--timeout", "0.000001", "--yes"
    )
    assert (code, "this is not all" in errors) == (1, True)
    assert len(await read_all(settings, DEAD_LETTER)) == 1


async def test_a_transactions_marker_is_no_letter(settings: Settings) -> None:
    producer = clients.producer(settings, transactional_id=f"{settings.topic_prefix}writer")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(settings.layout.name(DEAD_LETTER), b"{}", key=b"a")
    await producer.stop()
    (letter,) = await ids(settings)
    partition, offset = map(int, letter.split(":"))
    code, _, errors = await command(settings, "dlq", "show", f"{partition}:{offset + 1}")
    assert (code, "not all of them letters" in errors) == (1, True)


async def test_each_letter_is_redriven_to_where_its_reason_says_and_only_once(settings: Settings) -> None:
    song = samples.song("the-task", 2)
    quarantined = {h.CE_ID: "receipt-4", h.ERROR_REASON: reasons.QUARANTINED, h.ERROR_WORKER: "ingest"}
    await bury(
        settings,
        ("a", b"\xff1", headers(reasons.UNEXPECTED_ERROR, 1)),
        ("b", b"2", headers(reasons.CONFLICTING_DUPLICATE, 2, "deduplicate")),
        ("c", b"3", headers(reasons.PROVIDER_FAILED, 3, "deduplicate")),
        ("digest", song, quarantined),
        ("digest", b"[]", quarantined),
        ("d", b"6", headers(reasons.UNROUTABLE, 6, "route-failures")),
    )
    planned = await asked(settings, "redrive", "--everything")
    assert (planned["dry_run"], len(_listed(planned, "letters")), len(_listed(planned, "refused"))) == (
        True,
        3,
        3,
    )
    assert await statuses(settings) == []
    assert await read_all(settings, TO_NORMALIZE) == []

    done = await asked(settings, "redrive", "--everything", "--yes")
    assert done["redriven"] == 3
    (record,) = await read_all(settings, TO_NORMALIZE)
    assert (record.key, record.value, record.headers) == ("a", b"\xff1", {h.CE_ID: "receipt-1"})
    (conflict,) = await read_all(settings, retry("deduplicate", NOW))
    assert (conflict.key, conflict.value) == ("b", b"2")
    (callback,) = await read_all(settings, Callback.topic)
    assert (callback.key, callback.value) == ("the-task", song)
    assert callback.headers == {h.CE_ID: "receipt-4", h.DIALECT: "sunoapi.org"}
    for mark in await read_all(
        settings, DeadLetterStatus.topic
    ):  # compaction needs all of a key in one partition
        assert mark.partition == partition(mark.key.encode(), settings.partitions)
    by_partition = {letter.key: letter.partition for letter in await read_all(settings, DEAD_LETTER)}
    assert (record.partition, conflict.partition) == (by_partition["a"], by_partition["b"])

    assert len(await ids(settings)) == 3
    assert sorted({letter["why"][:20] for letter in _listed(done, "refused")}) == [
        "it still is no callb",
        "the vendor failed, n",
        "there is no topic te",
    ]
    assert (await asked(settings, "redrive", "--everything", "--yes"))["redriven"] == 0
    redriven = next(letter["id"] for letter in _listed(done, "letters") if letter["task"] == "a")
    code, output, _ = await command(settings, "dlq", "redrive", redriven, "--yes")
    assert (code, "redriven already" in output) == (0, True)
    refused = next(letter["id"] for letter in _listed(done, "refused"))
    assert (await command(settings, "dlq", "redrive", refused, "--yes"))[0] == 1
    assert len(await read_all(settings, TO_NORMALIZE)) == 1


async def test_a_redrive_killed_midway_twice_sends_each_letter_once(settings: Settings) -> None:
    tasks = [f"task-{number}" for number in range(60)]
    letters = [(task, task.encode(), headers(reasons.UNEXPECTED_ERROR, n)) for n, task in enumerate(tasks)]
    await bury(settings, *letters)
    seen = 0
    for _ in range(2):
        async with redriving(settings) as process:
            seen = await more_than(settings, seen)
            process.kill()
            await process.wait()
    assert 0 < seen < len(tasks)

    assert (await command(settings, "dlq", "redrive", "--everything", "--yes"))[0] == 0
    assert Counter(seen.key for seen in await read_all(settings, TO_NORMALIZE)) == Counter(tasks)
    assert Counter(await statuses(settings)) == Counter(
        (f"normalize/tasks/0/{number}", "redriven") for number in range(len(tasks))
    )


async def test_what_a_killed_redrive_left_in_an_open_transaction_never_was(settings: Settings) -> None:
    await bury(settings, ("a", b"1", headers(reasons.UNEXPECTED_ERROR, 1)))
    killed = clients.producer(settings, transactional_id=settings.topic_prefix + TRANSACTIONS)
    await killed.start()
    await killed.begin_transaction()
    await killed.send_and_wait(settings.layout.name(TO_NORMALIZE), b"1", key=b"a")
    mark = DeadLetterStatus(status="redriven", at="2026-11-25T12:00:00Z", by="me").encode()
    await killed.send_and_wait(settings.layout.name(DeadLetterStatus.topic), mark, key=b"normalize/tasks/0/1")

    assert (await asked(settings, "redrive", "--everything", "--yes"))["redriven"] == 1
    with pytest.raises(ProducerFenced):
        await killed.commit_transaction()
    await killed.stop()
    assert len(await read_all(settings, TO_NORMALIZE)) == 1
    assert await statuses(settings) == [("normalize/tasks/0/1", "redriven")]


async def test_a_second_redrive_ends_the_first_and_still_each_letter_is_sent_once(settings: Settings) -> None:
    tasks = [f"task-{number}" for number in range(60)]
    letters = [(task, task.encode(), headers(reasons.UNEXPECTED_ERROR, n)) for n, task in enumerate(tasks)]
    await bury(settings, *letters)
    async with redriving(settings) as first:
        await more_than(settings, 0)
        assert (await command(settings, "dlq", "redrive", "--everything", "--yes"))[0] == 0
        _, errors = await first.communicate()
    assert first.returncode == 1
    assert b"another such command" in errors
    assert Counter(seen.key for seen in await read_all(settings, TO_NORMALIZE)) == Counter(tasks)


async def test_a_purge_hides_at_once_and_deletes_up_to_the_first_open_letter(settings: Settings) -> None:
    key = "a"  # all in one partition, in this order
    kinds = [reasons.TOO_LARGE, reasons.PROVIDER_FAILED, reasons.UNEXPECTED_ERROR, reasons.PROVIDER_FAILED]
    await bury(settings, *((key, b"%d" % n, headers(reason, n)) for n, reason in enumerate(kinds)))
    first, second, third, fourth = await ids(settings)

    dry = await asked(settings, "purge", "--reason", "provider-failed")
    assert (dry["dry_run"], dry["deleted"], await ids(settings)) == (True, [], [first, second, third, fourth])

    done = await asked(settings, "purge", "--reason", "provider-failed", "--yes")
    assert [(x["id"], x["deleted"]) for x in _listed(done, "letters")] == [(second, False), (fourth, False)]
    assert await ids(settings) == [first, third]
    assert await ids(settings, "--all") == [first, second, third, fourth]

    done = await asked(settings, "purge", first, "--yes")
    partition, offset = map(int, third.split(":"))
    assert done["deleted"] == [{"partition": partition, "below_offset": offset, "letters": 2}]
    assert [letter.value for letter in await read_all(settings, DEAD_LETTER)] == [b"2", b"3"]
    assert await ids(settings, "--all") == [third, fourth]

    await asked(settings, "purge", "--everything", "--yes")
    assert await read_all(settings, DEAD_LETTER) == []
    assert Counter(await statuses(settings)) == Counter(
        (f"normalize/tasks/0/{n}", "purged") for n in range(4)
    )
    code, _, errors = await command(settings, "dlq", "purge", first, "--yes")
    assert (code, f"There is no letter {first}" in errors) == (1, True)


async def test_a_worker_that_no_letter_is_of_is_told_with_those_that_there_are(settings: Settings) -> None:
    await bury(settings, ("a", b"1", headers(reasons.UNEXPECTED_ERROR, 1, worker="picky")))
    told = "midi-ingest: No letter is of pickyy; there are letters of picky.\n"
    for arguments in (("redrive", "--yes"), ("redrive",), ("purge",)):
        assert await command(settings, "dlq", *arguments, "--worker", "pickyy") == (1, "", told)
    assert await command(settings, "dlq", "list", "--worker", "pickyy") == (0, "No dead letters.\n", told)
    assert await ids(settings, "--worker", "picky") == await ids(settings)
    assert (await asked(settings, "redrive", "--worker", "render"))["letters"] == []


@asynccontextmanager
async def redriving(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A redrive of everything in small steps, as a process of its own."""
    arguments = ("dlq", "redrive", "--everything", "--rate", "10", "--yes")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "midi_ingest", *arguments),
        env=_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def more_than(settings: Settings, before: int) -> int:
    """Wait until more letters are redriven than before; how many."""
    seen: list[Seen] = []

    async def there() -> bool:
        seen[:] = await read_all(settings, TO_NORMALIZE)
        return len(seen) > before

    await eventually(there, lambda: f"Only {len(seen)} letters are redriven.")
    return len(seen)


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
    }


def _listed(document: dict[str, object], name: str) -> Sequence[dict[str, Any]]:
    listed = document[name]
    assert isinstance(listed, list)
    return listed

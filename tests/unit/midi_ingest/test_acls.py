"""`midi-ingest topics acls`: what each role may do, and the commands that say so to Kafka."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from midi_ingest.acls import Acl, Roles, commands
from midi_ingest.settings import Settings
from midi_ingest.workers import UnknownWorker
from schemas.score import Score
from schemas.topics import FAILURES
from tests.in_process import command
from workers.catalogue import BUILT_IN
from workers.runtime.api import Worker, worker

EXAMPLE = Path(__file__).parents[3] / "examples" / "loudest_note.py"


def allowed(role: str, *own: Worker, settings: Settings | None = None) -> set[tuple[str, str, str, str]]:
    """What a role may do: operation, resource, pattern and name."""
    acls = Roles(settings or Settings(), [*BUILT_IN.values(), *own]).acls(role, "User:{role}")
    assert {acl.principal for acl in acls} == {f"User:{role}"}
    return {(acl.operation, acl.resource, acl.pattern, acl.name) for acl in acls}


def test_the_ingress_only_writes() -> None:
    assert allowed("ingest") == {
        ("Write", "topic", "literal", "midi.callbacks"),
        ("Write", "topic", "literal", "midi.failures"),
    }


def test_a_worker_reads_its_sources_and_retries_and_writes_what_it_says() -> None:
    assert allowed("render") == {
        ("Read", "topic", "literal", "midi.scores"),
        ("Read", "topic", "prefixed", "midi.retry.render."),
        ("Write", "topic", "literal", "midi.files"),
        ("Write", "topic", "literal", "midi.failures"),
        ("Read", "group", "literal", "midi.render"),
        ("Write", "transactional-id", "prefixed", "midi.render-"),
    }


def test_a_worker_that_promises_less_and_takes_nothing_twice_needs_less() -> None:
    @worker("watch", reads=Score, retries=False, guarantee="at-least-once")
    def watch(score: Score) -> None:
        del score

    assert allowed("watch", watch) == {
        ("Read", "topic", "literal", "midi.scores"),
        ("Write", "topic", "literal", "midi.failures"),
        ("Read", "group", "literal", "midi.watch"),
    }


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_a_worker_may_know_all_topics_that_its_start_asks_for(name: str) -> None:
    settings = Settings()
    acls = Roles(settings, list(BUILT_IN.values())).acls(name, "User:x")
    for topic in BUILT_IN[name].topics(settings):
        full_name = settings.layout.name(topic)
        assert any(
            acl.resource == "topic"
            and (full_name.startswith(acl.name) if acl.pattern == "prefixed" else full_name == acl.name)
            for acl in acls
        ), full_name


def test_only_who_makes_topics_may_make_them() -> None:
    for role in Roles(Settings(), list(BUILT_IN.values())).names:
        makes = {operation for operation, *_ in allowed(role)} & {"Create", "AlterConfigs", "Alter"}
        assert bool(makes) == (role == "topics")


def test_an_installation_without_a_prefix_names_all_groups_and_few_topics() -> None:
    rights = allowed("operator", settings=Settings(topic_prefix=""))
    assert ("Describe", "group", "literal", "*") in rights
    assert ("Write", "topic", "prefixed", "retry.") in rights
    assert not any(resource == "topic" and name == "*" for _, resource, _, name in rights)


def test_commands_add_each_right_once_and_no_other() -> None:
    roles = Roles(Settings(), list(BUILT_IN.values()))
    acls = [acl for role in roles.names for acl in roles.acls(role, "User:CN={role}, O=Anna's")]
    added = [acl for line in commands(acls, "kafka:9093") for acl in understood(line)]
    assert sorted(added) == sorted(acls)
    assert len(set(added)) == len(added)


def understood(line: str) -> list[Acl]:
    """What `kafka-acls.sh` makes of a command: each operation on each resource."""
    words = shlex.split(line)
    assert words[:6] == [
        *("kafka-acls.sh", "--bootstrap-server", "kafka:9093"),
        *("--command-config", "admin.properties", "--add"),
    ]
    options = list(zip(words[6::2], words[7::2], strict=True))
    ((_, principal),) = [one for one in options if one[0] == "--allow-principal"]
    pattern = dict(options).get("--resource-pattern-type", "literal")
    return [
        Acl(principal, option.removeprefix("--"), pattern, name, operation)  # type: ignore[arg-type]  # they are such words
        for option, name in options
        if option in {"--topic", "--group", "--transactional-id"}
        for named, operation in options
        if named == "--operation"
    ]


async def test_it_prints_commands_for_a_shell_a_heading_for_each_role() -> None:
    code, output, errors = await command(
        Settings(), "topics", "acls", "--role", "ingest", "--role", "topics", "--principal", "User:anna"
    )
    assert (code, errors) == (0, "")
    assert [line for line in output.splitlines() if line.startswith("#")] == ["# ingest", "# topics"]
    assert output.splitlines()[1] == (
        "kafka-acls.sh --bootstrap-server 127.0.0.1:9092 --command-config admin.properties --add "
        "--allow-principal User:anna --operation Write --topic midi.callbacks --topic midi.failures"
    )


async def test_a_worker_of_ones_own_is_a_role_and_its_topics_are_made_and_read() -> None:
    code, output, _ = await command(
        Settings(), "topics", "acls", "--worker", f"{EXAMPLE}:loudest", "--output", "json"
    )
    assert code == 0
    rights = {(one["role"], one["operation"]) for one in json.loads(output) if one["name"] == "midi.loudest"}
    assert rights == {
        ("loudest-note", "Write"),
        ("topics", "Create"),
        ("topics", "Describe"),
        ("topics", "AlterConfigs"),
        ("operator", "Read"),
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "cook"], "There is no role 'cook'. There are ingest, deduplicate, normalize, "),
        (["--principal", "anna"], "--principal 'anna': expected its kind and its name, such as User:anna."),
        (
            ["--principal", "user:anna"],
            "--principal 'user:anna': expected its kind and its name, such as User:anna.",
        ),
        (["--worker", "cook"], "There is no worker 'cook'."),
    ],
)
async def test_wrong_use_is_told(arguments: list[str], told: str) -> None:
    code, output, errors = await command(Settings(), "topics", "acls", *arguments)
    assert (code, output) == (2, "")
    assert told in errors


def test_failures_are_written_by_all_but_who_routes_them() -> None:
    writes = ("Write", "topic", "literal", f"midi.{FAILURES.name}")
    assert {name for name in BUILT_IN if writes not in allowed(name)} == {"route-failures"}


def test_a_worker_called_like_another_role_is_refused() -> None:
    @worker("operator", reads=Score)
    def operate(score: Score) -> None:
        del score

    with pytest.raises(UnknownWorker, match="A worker of yours is called 'operator'"):
        Roles(Settings(), [operate])

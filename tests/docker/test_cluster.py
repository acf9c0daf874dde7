"""The profile `cluster`: three brokers, of which one may die at any time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.docker.stack import Stack, running, wait_for

BROKERS: Final = 3
INTERNAL: Final = {"__consumer_offsets", "__transaction_state"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("checkout"), "cluster", KAFKA_HEAP_OPTS="-Xmx400m") as stack:
        yield stack


async def test_every_topic_has_three_copies_of_which_two_are_in_sync(stack: Stack) -> None:
    """Asked through all the ports that the brokers have on this machine."""
    ports = [stack.port(name) for name in ("KAFKA_1_PORT", "KAFKA_2_PORT", "KAFKA_3_PORT")]
    admin = AIOKafkaAdminClient(bootstrap_servers=[f"127.0.0.1:{port}" for port in ports])
    await admin.start()
    try:
        topics = await admin.describe_topics()
        names = [topic["topic"] for topic in topics]
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, n) for n in names])
    finally:
        await admin.close()
    assert set(names) > INTERNAL
    for topic in topics:
        assert {len(partition["replicas"]) for partition in topic["partitions"]} == {BROKERS}, topic["topic"]
    configs = [dict(entry[:2] for entry in one[4]) for answer in answers for one in answer.resources]
    assert [config["min.insync.replicas"] for config in configs] == ["2"] * len(names)


@pytest.mark.parametrize("dead", [["kafka-1"], ["kafka-1", "kafka-2"]], ids=["one", "two"])
def test_nothing_is_lost_while_brokers_are_dead(stack: Stack, dead: list[str]) -> None:
    task_id = f"while-{len(dead)}-dead"
    stack.compose("kill", *dead)
    answer = stack.post(task_id)
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    if len(dead) > 1:  # one that is left is not enough to acknowledge anything
        stack.compose("start", *dead)
    wait_for("the song", (stack.folder / f"data/store/tasks/{task_id}/song.mid").exists)
    stack.smoke()


def test_one_broker_takes_over_and_gives_back_without_a_down(stack: Stack) -> None:
    alone = replace(stack, env=stack.env | {"COMPOSE_PROFILES": "", "COMPOSE_ENV_FILES": ""})
    alone.up()
    assert alone.post("by-one-broker").json() == {"status": "received"}
    wait_for("the song", (stack.folder / "data/store/tasks/by-one-broker/song.mid").exists)
    stack.up()
    stack.smoke()
    assert "kafka" not in stack.exit_codes()


def test_the_profile_without_its_settings_says_so(stack: Stack) -> None:
    guard = ("run", "--rm", "--no-deps", "cluster-needs-its-env-file")
    done = stack.attempt("docker", "compose", *guard, COMPOSE_ENV_FILES="")
    assert done.returncode != 0
    assert "make up PROFILES=cluster" in done.stderr

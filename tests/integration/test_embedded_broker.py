"""The embedded Kafka, a real one on a free port: starts, keeps, refuses, dies and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from broker.embedded import BrokerError, EmbeddedKafka
from broker.embedded.ports import free_port, is_free

MIB = 1024 * 1024
PARENT = """
import asyncio, sys
from pathlib import Path
from broker.embedded import EmbeddedKafka

async def main():
    async with EmbeddedKafka(Path(sys.argv[1]), port=0) as kafka:
        print(kafka.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """One that runs; a test that stops it starts it again."""
    async with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), port=0) as kafka:
        yield kafka


async def test_it_commits_transactions_and_takes_a_body_of_eight_mib(kafka: EmbeddedKafka) -> None:
    value = os.urandom(8 * MIB)
    await _create_topic(kafka, "large")
    await _commit(kafka, "large", value)
    assert await _values(kafka, "large", 1) == [value]


async def test_it_logs_to_its_file_and_says_nothing_itself(kafka: EmbeddedKafka) -> None:
    assert "Kafka Server started" in kafka.log_file.read_text("utf-8")
    assert kafka.log_file.with_name("kafka.out").read_text("utf-8") == ""


def test_it_listens_on_the_loopback_address_only(kafka: EmbeddedKafka) -> None:
    sockets = psutil.Process(kafka.pid).net_connections("tcp")
    listening = {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_ctrl_c_in_the_terminal_does_not_reach_it(kafka: EmbeddedKafka) -> None:
    assert os.getpgid(kafka.pid) != os.getpgid(0)


async def test_a_port_in_use_names_the_process_that_has_it(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    holder = rf"port {kafka.port} is in use by java \(process {kafka.pid}\)"
    with pytest.raises(BrokerError, match=holder):
        await EmbeddedKafka(tmp_path, port=kafka.port).start()


async def test_a_folder_in_use_names_the_process_that_has_it(kafka: EmbeddedKafka) -> None:
    folder = kafka.log_file.parent
    with pytest.raises(BrokerError, match=rf"{folder} is in use by .*\(process {os.getpid()}\)"):
        await EmbeddedKafka(folder, port=0).start()


async def test_records_outlast_a_stop_and_a_kill_and_nothing_runs_after_either(kafka: EmbeddedKafka) -> None:
    await _create_topic(kafka, "kept")
    await _commit(kafka, "kept", b"over a stop")
    process = psutil.Process(kafka.pid)
    await kafka.stop()
    assert not process.is_running()
    assert is_free(kafka.port)

    await kafka.start()
    await _commit(kafka, "kept", b"over a kill")
    os.kill(kafka.pid, signal.SIGKILL)
    assert re.search(r"Kafka ended \(exit code -9\).*Its log: ", str(await kafka.ended()), re.DOTALL)
    await kafka.stop()

    await kafka.start()
    assert await _values(kafka, "kept", 2) == [b"over a stop", b"over a kill"]
    # What Kafka 4.3 and 4.4 log when they leave a transaction without its end (KAFKA-20734).
    assert "likely deleted already" not in kafka.log_file.read_text("utf-8")


async def test_a_kafka_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    running = psutil.Process().children(recursive=True)
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{taken}"
        kafka = EmbeddedKafka(tmp_path, port, extra={"listeners": listeners})
        cause = rf"ended while it started \(exit code 1\).*Address already in use.*{kafka.log_file}"
        with pytest.raises(BrokerError, match=re.compile(cause, re.DOTALL)):
            await kafka.start()
    assert psutil.Process().children(recursive=True) == running


async def test_a_setting_that_kafka_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path, port=0, extra={"num.io.threads": "many"})
    with pytest.raises(BrokerError, match=re.compile("could not prepare.*many.*num.io.threads", re.DOTALL)):
        await kafka.start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_a_parent_killed_outright_leaves_no_kafka_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        java = psutil.Process(int(parent.stdout.readline()))
        assert java.name() == "java"
        parent.send_signal(signal.SIGKILL)
    psutil.wait_procs([java], timeout=20)
    assert not java.is_running() or java.status() == psutil.STATUS_ZOMBIE


async def _create_topic(kafka: EmbeddedKafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        configs = {"max.message.bytes": str(9 * MIB)}
        response = await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=configs)])
        assert [error[1] for error in response.topic_errors] == [0]
    finally:
        await admin.close()


async def _commit(kafka: EmbeddedKafka, topic: str, value: bytes) -> None:
    async with (
        AIOKafkaProducer(
            bootstrap_servers=kafka.bootstrap_servers, transactional_id="test", max_request_size=9 * MIB
        ) as producer,
        producer.transaction(),
    ):
        await producer.send_and_wait(topic, value)


async def _values(kafka: EmbeddedKafka, topic: str, count: int) -> list[bytes | None]:
    """The first records that a reader of committed ones sees."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    async with consumer, asyncio.timeout(60):
        return [(await consumer.getone()).value for _ in range(count)]

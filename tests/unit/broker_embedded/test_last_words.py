"""Of a long log, the lines that tell why Kafka died."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.embedded.last_words import last_words

OLD = "2026-01-01T00:00:00,000 ERROR of the start before (KafkaServer)\n"
INFO = "2026-01-01T00:00:01,000 INFO  Starting broker (BrokerServer)\n"
DEATH = """2026-01-01T00:00:02,000 ERROR Exiting Kafka due to fatal exception (Kafka$)
org.apache.kafka.common.KafkaException: Socket server failed to bind
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:1)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
2026-01-01T00:00:03,000 INFO  shut down completed (KafkaServer)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "kafka.log"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "kafka.out"


def test_errors_and_their_causes_are_told_without_the_stack(log: Path, output: Path) -> None:
    log.write_text(INFO + DEATH)
    assert last_words(log, 0, output) == [
        "2026-01-01T00:00:02,000 ERROR Exiting Kafka due to fatal exception (Kafka$)",
        "org.apache.kafka.common.KafkaException: Socket server failed to bind",
        "Caused by: java.net.BindException: Address already in use",
    ]


def test_what_the_start_before_logged_is_not_told(log: Path, output: Path) -> None:
    log.write_text(OLD + DEATH)
    assert not any("before" in line for line in last_words(log, len(OLD), output))


def test_a_log_that_has_been_rolled_meanwhile_is_read_from_its_start(log: Path, output: Path) -> None:
    log.write_text(DEATH)
    assert any("BindException" in line for line in last_words(log, 10_000_000, output))


def test_without_errors_the_last_lines_are_told(log: Path, output: Path) -> None:
    log.write_text("".join(f"{number} INFO  line (Class)\n" for number in range(20)))
    assert last_words(log, 0, output) == [f"{number} INFO  line (Class)" for number in range(14, 20)]


def test_what_java_itself_says_is_told(log: Path, output: Path) -> None:
    output.write_text("Error occurred during initialization of VM\nToo small maximum heap\n")
    assert last_words(log, 0, output)[-1] == "Too small maximum heap"


def test_a_kafka_that_said_nothing_has_no_last_words(log: Path, output: Path) -> None:
    assert last_words(log, 0, output) == []

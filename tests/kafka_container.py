"""Apache Kafka in Docker, by testcontainers, whose own Kafka class knows only another vendor's image."""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from types import TracebackType
from typing import Final, Self

# Its reaper is an image of its own, which is not to be had everywhere; the container is stopped by the fixture.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

IMAGE: Final = "apache/kafka:4.3.1"
PORT: Final = 9092
_STARTER: Final = "/tmp/start-kafka.sh"  # noqa: S108 - inside the container
_ENV: Final = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{PORT},CONTROLLER://localhost:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_MESSAGE_MAX_BYTES": "16777216",
}


class KafkaContainer:
    """A broker that tells its clients the port it is mapped to, which is known only once the container runs."""

    def __init__(self) -> None:
        waiting = f"while [ ! -f {_STARTER} ]; do sleep 0.1; done; exec sh {_STARTER}"
        self._container = DockerContainer(IMAGE, command=f"sh -c {shlex.quote(waiting)}").with_exposed_ports(
            PORT
        )
        for name, value in _ENV.items():
            self._container.with_env(name, value)

    def __enter__(self) -> Self:
        self._container.start()
        host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(PORT)
        self.bootstrap_servers = f"{host}:{port}"
        script = f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{host}:{port}\nexec /etc/kafka/docker/run\n"
        self._container.get_wrapped_container().put_archive("/", _archive(_STARTER, script))
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(90).wait_until_ready(
            self._container
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.stop()


def _archive(path: str, content: str) -> bytes:
    """A tar archive with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()

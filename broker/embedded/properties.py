"""The settings of the embedded Kafka: one broker that is its own controller (KRaft), on 127.0.0.1 only.

Names and meanings: the Kafka 4.2 documentation, "Broker Configs".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HOST: Final = "127.0.0.1"
RECORDS_FOLDER: Final = "topics"
MIB: Final = 1024 * 1024

_SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # Relative to the folder that Kafka runs in: an absolute path with a comma would be read as two.
    "log.dirs": RECORDS_FOLDER,
    # One broker has one copy of everything.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A laptop has few groups and transactional ids: fewer partitions start faster than the default 50.
    "offsets.topic.num.partitions": "6",
    "transaction.state.log.num.partitions": "6",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(16 * MIB),
    # After a kill the next start waits until this has passed for the dead broker: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # As long as callbacks are kept: a machine left alone for weeks goes on where it was.
    "offsets.retention.minutes": str(30 * 24 * 60),
    # Small on disk: records are deleted a segment at a time, and the open segment reserves two whole indexes.
    "log.segment.bytes": str(64 * MIB),
    "log.index.size.max.bytes": str(MIB),
    "offsets.topic.segment.bytes": str(16 * MIB),
    "transaction.state.log.segment.bytes": str(16 * MIB),
    "metadata.log.segment.bytes": str(8 * MIB),
    "metadata.max.retention.bytes": str(32 * MIB),
    # Small in memory: the cleaner's default buffer of 128 MiB is a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 * MIB),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
}


def server_properties(port: int, controller_port: int, extra: Mapping[str, str]) -> str:
    """The text of ``server.properties`` for a broker at ``port``; what ``extra`` names, it decides."""
    settings = {
        **_SETTINGS,
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"{_SETTINGS['node.id']}@{HOST}:{controller_port}",
        **extra,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())

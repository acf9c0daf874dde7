"""Whether a broker answers, asked in Kafka's own protocol."""

from __future__ import annotations

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from broker.embedded.properties import HOST


async def answers(port: int) -> bool:
    """Whether the broker at that port serves clients: only then it names itself in the cluster's metadata."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False  # asked first, because aiokafka logs an error where nobody listens
    writer.close()
    client = AIOKafkaClient(bootstrap_servers=f"{HOST}:{port}")
    try:
        await client.bootstrap()
        return any(broker.port == port for broker in client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()

"""What aiokafka tells of a request that nobody answered in time: that, and nothing else.

After a time-out its client (0.14) looks up the connection to that broker, to close it. Where another request found it
closed meanwhile, as when a broker is frozen and then dies, the look-up raises a KeyError. None of aiokafka's tasks
expects one: a consumer's fetcher and a group member's heartbeat end by it.
"""

from __future__ import annotations

from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import RequestTimedOutError

_as_it_was: Final = AIOKafkaClient.send


def tell_time_outs() -> None:
    """Let all clients of this process raise what they document when a connection is lost during a request."""
    AIOKafkaClient.send = _send


async def _send(client: AIOKafkaClient, node_id: int, request: object, **group: Any) -> object:
    try:
        return await _as_it_was(client, node_id, request, **group)
    except KeyError as error:
        raise RequestTimedOutError from error

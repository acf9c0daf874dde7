"""What aiokafka raises when it loses a connection: the errors that it documents, and no other.

aiokafka 0.14 does not expect two ways in which a connection ends while it is used, as when a broker is frozen and then
dies. Its tasks end by them without a word: a consumer's fetcher, a member's heartbeat, the one that keeps a client's
metadata, for which all else then waits for ever.

- On uvloop, writing to a connection that was lost raises a RuntimeError; asyncio's own loop only warns.
- After a time-out the client looks up the connection to that broker, to close it. Where another request found it
  closed meanwhile, the look-up raises a KeyError.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, RequestTimedOutError

_request: Final = AIOKafkaClient.send
_write: Final = AIOKafkaConnection.send


def tell_lost_connections() -> None:
    """Let all clients of this process raise what they document when a connection is lost."""
    AIOKafkaClient.send = _requested
    AIOKafkaConnection.send = _written


async def _requested(client: AIOKafkaClient, *request: Any, **options: Any) -> object:
    try:
        return await _request(client, *request, **options)
    except KeyError as error:
        raise RequestTimedOutError from error


def _written(connection: AIOKafkaConnection, *request: Any, **options: Any) -> Awaitable[object]:
    try:
        answer: Awaitable[object] = _write(connection, *request, **options)
    except RuntimeError as error:
        connection.close(CloseReason.CONNECTION_BROKEN, error)
        raise KafkaConnectionError(f"{connection!r} is closed") from error
    return answer

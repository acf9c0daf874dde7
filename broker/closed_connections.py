"""Closing a connection over TLS without waiting for the broker's goodbye.

A broker says goodbye only once it has answered what it has in work, and a lane's idle fetch is in work for seconds.
aiokafka waits for that, and so would every rebalance. Whoever closes a client has all the answers that it wants.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka.conn import AIOKafkaConnection, CloseReason

_close: Final = AIOKafkaConnection.close


def close_at_once() -> None:
    """Let all clients of this process close their connections so."""
    AIOKafkaConnection.close = _closed


def _closed(
    connection: AIOKafkaConnection, reason: CloseReason | None = None, exc: BaseException | None = None
) -> asyncio.Future[None]:
    writer: asyncio.StreamWriter | None = connection._writer  # noqa: SLF001 - aiokafka shows neither
    closed: asyncio.Future[None] = _close(connection, reason, exc)
    if writer is not None and connection._ssl_context is not None:  # noqa: SLF001
        writer.transport.abort()  # our own goodbye is sent before, as far as the system takes it
    return closed

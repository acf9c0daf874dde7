"""Cancellations that nobody asked for.

aiokafka lets the end of a task of its own escape as a `CancelledError`: stopping a consumer whose fetch has just failed
does. To asyncio it looks as if the caller's task had been cancelled, which is no error: a lane ended without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from aiokafka.errors import KafkaError


class CancelledWithin(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A call of Kafka's client was cancelled, though not by its caller."""


async def asked_for(work: Awaitable[None]) -> None:
    """Do some work, of which only who cancels this task may cancel it.

    Raises:
        CancelledWithin: it was cancelled otherwise.
    """
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CancelledWithin("a call was cancelled within Kafka's client") from error

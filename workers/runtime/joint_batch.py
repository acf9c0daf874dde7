"""Batches of several feeds of a lane: what each puts in is its share.

One transaction takes as long for one record as for hundreds, and a lane has one at a time. So whoever has its turn
takes along what is in line behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from workers.runtime.feed import BATCH_BYTES, BATCH_RECORDS, Feed
from workers.runtime.record import Record


class Share(NamedTuple):
    """The first records that wait in a feed."""

    feed: Feed
    records: Sequence[Record]


async def due_together(first: Feed, feeds: Iterable[Feed]) -> list[Share]:
    """What is due of a feed and then of those that may join it, within the bounds of a batch."""
    shares = [Share(first, await first.due())]
    room = BATCH_RECORDS - len(shares[0].records)
    room_bytes = BATCH_BYTES - _bytes_of(shares[0].records)
    for feed in feeds:
        if feed is not first and feed.may_join and (due := await feed.due(room, room_bytes)):
            shares.append(Share(feed, due))
            room, room_bytes = room - len(due), room_bytes - _bytes_of(due)
    return shares


def handled_of(shares: Iterable[Share], count: int) -> Iterator[Share]:
    """So many records of all shares: whole ones, and the beginning of the last."""
    for feed, records in shares:
        if some := records[:count]:
            yield Share(feed, some)
            count -= len(some)


def _bytes_of(records: Iterable[Record]) -> int:
    return sum(len(record.value or b"") for record in records)

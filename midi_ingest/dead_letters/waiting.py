"""What waits for another try: it may become a dead letter yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from broker.groups import groups, lag
from midi_ingest.scan import Reader, partitions_of
from midi_ingest.settings import Settings
from schemas.message import Topic
from schemas.topics import retried_worker


async def waiting(settings: Settings, reader: Reader) -> Mapping[str, int]:
    """About how many records wait in the retry topics of each worker that has some, whether it runs or not.

    Raises:
        KafkaError: Kafka cannot be reached, or refuses.
    """
    prefix = settings.topic_prefix
    found: Counter[str] = Counter()
    async with groups(settings) as asked:
        for name in sorted(topic.removeprefix(prefix) for topic in await reader.topics()):
            if worker := retried_worker(name):
                partitions = partitions_of(settings, Topic(name))
                ends, beginnings = await reader.ends(partitions), await reader.beginnings(partitions)
                found[worker] += lag(await asked.committed(prefix + worker), beginnings, ends)
    return +found

"""What a lane writes travels in batches by partition, in the order in which it was written."""

from __future__ import annotations

from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatch

from schemas.message import Topic
from schemas.topics import Layout
from workers.runtime.outgoing import BATCH_BYTES, Outgoing, Packing
from workers.runtime.record import Write

ONE, OTHER = Topic("one"), Topic("other")
PACKING = Packing(Layout("test.", 6, 1, 2**23), partition=2, compression="zstd", transactional=True)


def write(key: int, topic: Topic = ONE, size: int = 10, partition: int | None = None) -> Write:
    return Write(topic, b"%d" % key, bytes(size), {"name": "välue"}, 1_000 + key, partition=partition)


def keys(outgoing: Outgoing) -> list[int]:
    outgoing.records._set_producer_state(7, 3, 1000)
    return [int(record.key or b"") for record in DefaultRecordBatch(outgoing.records._build())]


def test_records_of_a_partition_travel_together_in_their_order() -> None:
    packed = PACKING.pack([write(1), write(2, OTHER), write(3), write(4, OTHER), write(5, partition=4)])
    assert [(batch.partition, keys(batch)) for batch in packed] == [
        (TopicPartition("test.one", 2), [1, 3]),
        (TopicPartition("test.other", 2), [2, 4]),
        (TopicPartition("test.one", 4), [5]),
    ]


def test_a_batch_ends_before_it_is_too_large_and_a_large_record_has_one_to_itself() -> None:
    third = BATCH_BYTES // 3 - 1_000
    writes = [write(number, size=third) for number in range(4)] + [write(4, size=2 * BATCH_BYTES), write(5)]
    assert [keys(batch) for batch in PACKING.pack(writes)] == [[0, 1, 2], [3], [4], [5]]


def test_no_batch_of_several_is_larger_than_a_record_may_be() -> None:
    layout = Layout("test.", 6, 1, 65_536)
    packed = Packing(layout, 2, "none", transactional=True).pack([write(n, size=30_000) for n in range(200)])
    assert sum(batch.records.record_count() for batch in packed) == 200
    assert all(batch.records.size() <= layout.max_record_bytes for batch in packed)
    headers = {"error-exception": "\udcff" * 8_000}
    packed = Packing(layout, 2, "none", transactional=True).pack([Write(ONE, b"1", b"", headers)] * 200)
    assert all(batch.records.size() <= layout.max_record_bytes for batch in packed)


def test_the_first_batches_of_all_partitions_come_first() -> None:
    writes = [write(number, size=BATCH_BYTES) for number in range(3)] + [write(3, OTHER)]
    assert [keys(batch) for batch in PACKING.pack(writes)] == [[0], [3], [1], [2]]


def test_a_record_is_written_with_its_key_value_headers_and_time() -> None:
    [batch] = PACKING.pack([Write(ONE, b"key", None, {"name": "välue"}, 1_234)])
    batch.records._set_producer_state(7, 3, 1000)
    read = DefaultRecordBatch(batch.records._build())
    [record] = read
    assert read.is_transactional
    assert (record.key, record.value, record.timestamp) == (b"key", None, 1_234)
    assert record.headers == [("name", "välue".encode())]


def test_nothing_makes_no_batch() -> None:
    assert PACKING.pack([]) == []

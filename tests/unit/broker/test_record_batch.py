"""What we write as a record batch is one: aiokafka's reader finds in it what went in."""

from __future__ import annotations

import time

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from broker.record_batch import Entry, RecordBatch

HEADERS = st.lists(st.tuples(st.text(max_size=80), st.binary(max_size=200)), max_size=12)
TIMESTAMPS = st.none() | st.integers(0, 2**45)
KEYS = st.none() | st.binary(max_size=300)
ENTRIES = st.lists(
    st.builds(Entry, KEYS, st.none() | st.binary(max_size=5_000), HEADERS, TIMESTAMPS),
    min_size=1,
    max_size=70,
)
COMPRESSION = st.sampled_from(["none", "zstd"])


def batch_of(entries: list[Entry], compression: str, *, transactional: bool = False) -> RecordBatch:
    """The batch that a producer with id 7, epoch 3 and sequence 1,000 would send."""
    batch = RecordBatch(entries, compression, transactional=transactional)
    batch._set_producer_state(7, 3, 1000)
    return batch


@given(ENTRIES, COMPRESSION, st.booleans())
def test_all_records_are_read_as_they_were_written(
    entries: list[Entry], compression: str, transactional: bool
) -> None:
    earliest_ms = int(time.time() * 1000)
    batch = DefaultRecordBatch(batch_of(entries, compression, transactional=transactional)._build())
    assert batch.validate_crc()
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 3, 1000)
    assert (batch.base_offset, batch.next_offset) == (0, len(entries))
    assert batch.is_transactional == transactional
    read = list(batch)
    assert [(r.key, r.value, r.headers) for r in read] == [tuple(entry[:3]) for entry in entries]
    assert [record.offset for record in read] == list(range(len(entries)))
    for record, entry in zip(read, entries, strict=True):
        at = entry.timestamp_ms
        assert earliest_ms <= record.timestamp <= time.time() * 1000 if at is None else record.timestamp == at
    assert batch.first_timestamp == read[0].timestamp
    assert batch.max_timestamp == max(record.timestamp for record in read)


@given(ENTRIES, st.booleans())
def test_the_bytes_are_those_of_aiokafkas_own_builder(entries: list[Entry], transactional: bool) -> None:
    ours = batch_of(entries, "none", transactional=transactional)._build()
    theirs = DefaultRecordBatchBuilder(2, 0, transactional, 7, 3, 1000, 2**30)
    for record, entry in zip(DefaultRecordBatch(ours), entries, strict=True):
        theirs.append(record.offset, record.timestamp, entry.key, entry.value, entry.headers)
    assert ours == bytes(theirs.build())


@given(ENTRIES, COMPRESSION, st.booleans())
def test_a_batch_that_is_sent_again_is_the_same_again(
    entries: list[Entry], compression: str, compressed_before: bool
) -> None:
    batch = batch_of(entries, compression)
    if compressed_before:
        batch.compress()
    before = batch.size()
    first = batch._build()
    assert batch._build() is first
    assert batch.size() == len(first)
    assert batch.record_count() == len(entries)
    if compression == "none" or compressed_before:
        assert before == len(first)

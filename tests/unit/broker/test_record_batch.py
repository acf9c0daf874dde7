"""What we write as a record batch is one: aiokafka's reader finds in it what went in."""

from __future__ import annotations

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from broker.record_batch import RecordBatch

HEADERS = st.lists(st.tuples(st.text(max_size=80), st.binary(max_size=200)), max_size=12)
RECORDS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=300), st.binary(max_size=20_000), HEADERS),
    min_size=1,
    max_size=70,
)
COMPRESSION = st.sampled_from(["none", "zstd"])


def built(records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]], compression: str) -> bytes:
    """The bytes that a producer with id 7, epoch 3 and sequence 1,000 would send."""
    batch = RecordBatch(records, compression)
    batch._set_producer_state(7, 3, 1000)
    return batch._build()


@given(RECORDS, COMPRESSION)
def test_all_records_are_read_as_they_were_written(
    records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]], compression: str
) -> None:
    batch = DefaultRecordBatch(built(records, compression))
    assert batch.validate_crc()
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 3, 1000)
    assert (batch.base_offset, batch.next_offset, batch.is_transactional) == (0, len(records), False)
    read = list(batch)
    assert [(record.key, record.value, record.headers) for record in read] == records
    assert [record.offset for record in read] == list(range(len(records)))
    assert {record.timestamp for record in read} == {batch.first_timestamp} == {batch.max_timestamp}


@given(RECORDS)
def test_the_bytes_are_those_of_aiokafkas_own_builder(
    records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]],
) -> None:
    ours = built(records, "none")
    when = DefaultRecordBatch(ours).first_timestamp
    theirs = DefaultRecordBatchBuilder(2, 0, 0, 7, 3, 1000, 2**30)
    for offset, (key, value, headers) in enumerate(records):
        theirs.append(offset, when, key, value, headers)
    assert ours == bytes(theirs.build())


@given(RECORDS, COMPRESSION)
def test_a_batch_that_is_sent_again_is_the_same_again(
    records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]], compression: str
) -> None:
    batch = RecordBatch(records, compression)
    before = batch.size()
    first = batch._build()
    assert batch._build() is first
    assert batch.size() == len(first)
    assert batch.record_count() == len(records)
    if compression == "none":
        assert before == len(first)

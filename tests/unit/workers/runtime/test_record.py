"""Records as they come from Kafka."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from workers.runtime.record import Record, from_kafka


def test_a_record_of_kafkas_keeps_its_bytes_and_has_its_headers_as_text() -> None:
    came = ConsumerRecord(
        topic="midi.callbacks",
        partition=3,
        offset=17,
        timestamp=1_777_636_800_000,
        timestamp_type=0,
        key=b"\xff",
        value=b"\x00",
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=1,
        headers=(("a", b"1"), ("b", b"\xff"), ("a", b"2")),
    )
    read = from_kafka(came)
    headers = {"a": "2", "b": "\ufffd"}
    assert read == Record("midi.callbacks", 3, 17, 1_777_636_800_000, b"\xff", b"\x00", headers)
    assert read.position == "midi.callbacks/3/17"

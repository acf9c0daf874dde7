"""A produce request put together at once has the bytes that aiokafka's schema gives it."""

from __future__ import annotations

from aiokafka.protocol.produce import ProduceRequest_v7
from aiokafka.protocol.struct import Struct
from hypothesis import given
from hypothesis import strategies as st

import broker.clients  # noqa: F401 - what changes the encoding

PARTITIONS = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.binary(max_size=500)), max_size=5)
TOPICS = st.lists(st.tuples(st.text(max_size=50), PARTITIONS), max_size=4)


@given(st.none() | st.text(max_size=50), st.sampled_from([-1, 0, 1]), st.integers(0, 2**31 - 1), TOPICS)
def test_a_request_has_the_bytes_of_its_schema(
    transactional_id: str | None,
    acks: int,
    timeout_ms: int,
    topics: list[tuple[str, list[tuple[int, bytes]]]],
) -> None:
    request = ProduceRequest_v7(
        transactional_id=transactional_id, required_acks=acks, timeout=timeout_ms, topics=topics
    )
    assert ProduceRequest_v7.encode is not Struct.encode
    assert request.encode() == Struct.encode(request)

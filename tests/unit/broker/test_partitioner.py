"""Keys lie where Kafka's own producers put them."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from broker.partitioner import murmur2, partition

# As in Kafka's own tests: clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, without sign.
KAFKAS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", KAFKAS)
def test_murmur2_is_that_of_kafkas_tests(key: bytes) -> None:
    assert murmur2(key) == KAFKAS[key] & 0xFFFFFFFF


@given(key=st.binary(max_size=300), partitions=st.integers(1, 100))
def test_any_key_lies_where_another_client_puts_it(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition(key, partitions) == DefaultPartitioner()(key, numbers, numbers)

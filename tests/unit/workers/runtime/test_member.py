"""Which lanes a member owns, by the partitions that its group assigns to it."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition

from workers.runtime.member import AssignmentError, _partition_numbers


def test_a_member_owns_the_partition_numbers_that_it_has_of_every_topic() -> None:
    assigned = [TopicPartition(topic, number) for topic in ("tasks", "scores") for number in (4, 1)]
    assert _partition_numbers(assigned) == [1, 4]
    assert _partition_numbers([]) == []


def test_a_torn_assignment_is_refused_and_shown() -> None:
    assigned = [TopicPartition("tasks", 1), TopicPartition("tasks", 2), TopicPartition("scores", 1)]
    with pytest.raises(AssignmentError, match=r"scores \[1\], tasks \[1, 2\]"):
        _partition_numbers(assigned)

"""Which lanes a member owns, by the partitions that its group assigns to it."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition

from workers.render import render
from workers.runtime.member import AssignmentError, Member, _partition_numbers
from workers.runtime.shared import shared
from workers.settings import WorkerSettings


def test_a_member_owns_the_partition_numbers_that_it_has_of_every_topic() -> None:
    assigned = [TopicPartition(topic, number) for topic in ("tasks", "scores") for number in (4, 1)]
    assert _partition_numbers(assigned) == [1, 4]
    assert _partition_numbers([]) == []


def test_a_torn_assignment_is_refused_and_shown() -> None:
    assigned = [TopicPartition("tasks", 1), TopicPartition("tasks", 2), TopicPartition("scores", 1)]
    with pytest.raises(AssignmentError, match=r"scores \[1\], tasks \[1, 2\]"):
        _partition_numbers(assigned)


async def test_a_member_that_is_leaving_opens_no_lane_that_it_is_assigned_in_its_last_moment() -> None:
    """Nobody would stop that lane: it would go on beside the one that another member opens."""
    settings = WorkerSettings()
    member = Member(render, settings, "test", shared([render], settings))
    member._ending = True
    await member.on_partitions_assigned([TopicPartition("scores", 1)])
    assert member._lanes == {}

"""Reading a changelog, and what is done about a record in it that is none of ours."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest
from aiokafka import ConsumerRecord

from workers.runtime.state import changelog
from workers.runtime.state.changelog import Reading
from workers.runtime.state.errors import StateError
from workers.runtime.state.store import Change


class Value(msgspec.Struct):
    version: ClassVar[int] = 2

    n: int
    since_2: str = ""


def record(
    key: bytes | None, value: bytes | None, offset: int = 4711, version: bytes | None = b"2"
) -> ConsumerRecord[bytes, bytes]:
    headers = (("midi-schema", version),)
    return ConsumerRecord("midi.w.changelog", 3, offset, 99, 0, key, value, None, 0, 0, headers)


def reading() -> Reading:
    return Reading("w", Value)


def test_records_are_read_as_changes_those_without_a_value_too() -> None:
    read = reading()
    assert read.changes([record(b"a", b'{"n":1}'), record(b"b", None)]) == [
        Change("a", b'{"n":1}', 99),
        Change("b", None, 99),
    ]
    read.finish()


def test_values_of_this_version_and_the_one_before_are_read() -> None:
    read = reading()
    assert len(read.changes([record(b"a", b'{"n":1}', version=b"1"), record(b"b", b'{"n":1}')])) == 2
    read.finish()


def test_a_value_of_a_newer_version_stops_the_lane_and_says_so() -> None:
    read = reading()
    assert read.changes([record(b"a", b'{"n":1}', version=b"3")]) == []
    with pytest.raises(StateError, match=r"midi\.w\.changelog/3/4711 .* version 3.* none above 2"):
        read.finish()


@pytest.mark.parametrize(
    ("key", "value", "version"),
    [
        (b"\xff", b'{"n":1}', b"2"),
        (b"a", b"{", b"2"),
        (b"a", b'{"n":"x"}', b"2"),
        (b"\xff", None, b"2"),
        (b"a", b'"\xff"', b"2"),
        (b"a", b'{"n":1}', b"two"),
        (b"a", b'{"n":1}', None),
        (b"a", b"[" * 100_000, b"2"),
    ],
)
def test_a_record_that_is_none_of_ours_names_its_place_and_what_to_do(
    key: bytes, value: bytes | None, version: bytes | None
) -> None:
    read = reading()
    assert read.changes([record(b"ours", b'{"n":1}', 1), record(key, value, 4711, version)]) != []
    with pytest.raises(StateError, match=r"midi\.w\.changelog/3/4711 .*midi-ingest state rebuild w"):
        read.finish()


@pytest.mark.parametrize("value", [b'{"n":1}', None])
def test_what_a_later_record_of_its_key_replaces_is_in_nobodys_way(value: bytes | None) -> None:
    read = reading()
    read.changes([record(b"a", b"{"), record(b"b", b"{")])
    read.changes([record(b"a", value), record(b"b", value)])
    read.finish()


def test_the_first_of_several_is_named_and_the_others_are_counted() -> None:
    read = reading()
    read.changes([record(b"a", b"{", 1), record(b"b", b"{", 2), record(b"c", b"{", 3), record(b"a", b"{", 4)])
    with pytest.raises(StateError, match=r"/3/2 and 2 more cannot be read"):
        read.finish()


def test_a_changelog_that_is_none_of_ours_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changelog, "_MOST_UNREADABLE", 10)
    with pytest.raises(StateError, match="and 10 more"):
        reading().changes([record(b"%d" % number, b"{", number) for number in range(100)])

"""The name of a task's folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.store import folder_name

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
"""RFC 3986, section 2.3."""


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("5c79****be8e", "5c79%2A%2A%2A%2Abe8e"),
        ("a", "a"),
        (f"x{UNRESERVED}", f"x{UNRESERVED}"),
        ("a b", "a%20b"),
        ("a/b\\c", "a%2Fb%5Cc"),
        ("100%", "100%25"),
        ("é", "%C3%A9"),
        ("漢😀", "%E6%BC%A2%F0%9F%98%80"),
        (".", "%2E"),
        ("..", "%2E."),
        ("../x", "%2E.%2Fx"),
        (".hidden", "%2Ehidden"),
        ("a.b.", "a.b."),
        ("~", "~"),
        ("\x00", "%00"),
    ],
)
def test_a_folder_is_the_task_id_percent_encoded(task_id: str, name: str) -> None:
    assert folder_name(task_id) == name


@pytest.mark.parametrize("task_id", ["x" * 150, "é" * 25, f"*{'x' * 147}", f".{'x' * 147}"])
def test_a_name_of_150_bytes_stays_whole(task_id: str) -> None:
    assert len(folder_name(task_id)) == 150
    assert unquote(folder_name(task_id)) == task_id


@pytest.mark.parametrize("task_id", ["x" * 151, f"x{'é' * 25}", f"*{'x' * 148}", f".{'x' * 148}", "😀" * 200])
def test_a_name_of_151_bytes_and_more_is_cut_and_ends_in_the_digest_of_the_raw_id(task_id: str) -> None:
    digest = hashlib.sha256(task_id.encode()).hexdigest()
    start, _, end = folder_name(task_id).rpartition("~")
    assert end == digest[:32]
    assert len(start) == 100
    encoded = "".join(c if c in UNRESERVED else "".join(f"%{b:02X}" for b in c.encode()) for c in task_id)
    assert start == re.sub(r"^\.", "%2E", encoded)[:100]


def test_long_ids_that_begin_alike_have_folders_of_their_own() -> None:
    assert folder_name("x" * 199 + "a") != folder_name("x" * 199 + "b")


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_every_folder_is_a_plain_visible_name_below_the_store(task_id: str) -> None:
    name = folder_name(task_id)
    assert re.fullmatch(r"[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*", name)
    assert len(name) <= 150
    assert Path("/store", name).parent == Path("/store")


@settings(max_examples=50)
@given(*[st.text(st.characters(codec="utf-8"), max_size=60)] * 2)
def test_different_tasks_have_different_folders(one: str, other: str) -> None:
    assert (folder_name(one) == folder_name(other)) == (one == other)

"""Folder names, and files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.runtime.api import Unavailable
from workers.store import folder_name, write_whole

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


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_every_folder_is_a_plain_visible_name_below_the_store(task_id: str) -> None:
    name = folder_name(task_id)
    assert re.fullmatch(r"[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*", name)
    assert len(name) <= 150
    assert Path("/store", name).parent == Path("/store")


@settings(deadline=None, max_examples=50)
@given(*[st.text(st.characters(codec="utf-8"), max_size=60)] * 2)
def test_different_tasks_have_different_folders(one: str, other: str) -> None:
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_a_file_is_written_with_its_folders_and_nothing_else(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "song.mid", b"content")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == ["a/b/song.mid"]
    assert (tmp_path / "a/b/song.mid").read_bytes() == b"content"


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 1_000_000])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.mid"
    write_whole(path, b"what was there before")
    write_whole(path, content)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_until_all_is_on_disk_readers_see_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "song.mid"
    write_whole(path, b"old")
    synced: list[tuple[bytes, int]] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((path.read_bytes(), os.fstat(file).st_size)))
    write_whole(path, b"brand new")
    assert synced[0] == (b"old", 9)
    assert path.read_bytes() == b"brand new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_write_that_fails_leaves_the_old_file_and_says_what_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "song.mid"
    write_whole(path, b"old")

    def refuse(_file: int) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(Unavailable, match=re.escape(f"{path}: {os.strerror(code)}")):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_whole(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"new"


def test_a_first_write_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Unavailable):
        write_whole(tmp_path / "song.mid", b"new")
    assert not (tmp_path / "song.mid").exists()


@pytest.mark.parametrize("obstacle", ["parent", "target"])
def test_a_path_that_cannot_be_is_the_records_own_failure(tmp_path: Path, obstacle: str) -> None:
    if obstacle == "parent":
        (tmp_path / "folder").write_bytes(b"")
    else:
        (tmp_path / "folder" / "song.mid").mkdir(parents=True)
    with pytest.raises(OSError, match=r"exists|Is a directory"):
        write_whole(tmp_path / "folder" / "song.mid", b"x")


def test_what_a_crash_left_behind_is_removed_by_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_file: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", crash)
        with pytest.raises(KeyboardInterrupt):
            write_whole(tmp_path / "song.mid", b"long before")
    write_whole(tmp_path / "song.mid", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["song.mid"]
    assert (tmp_path / "song.mid").read_bytes() == b"new"

"""Files in a directory: they appear whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workers.files.directory import WRITES_AT_ONCE, Directory, write_whole
from workers.runtime.api import Unavailable


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


def test_a_disk_that_hangs_keeps_no_process_from_its_end(tmp_path: Path) -> None:
    script = """
import os, threading
from pathlib import Path
from workers.files.directory import Directory
from workers.runtime import loop

hangs = threading.Event()
os.fsync = lambda _: (hangs.set(), threading.Event().wait())
write = Directory(Path("store")).write("tasks/a1/song.mid", b"x", "audio/midi")
threading.Thread(target=lambda: loop.run(write), daemon=True).start()
assert hangs.wait(30)
"""
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


async def test_a_write_that_had_not_begun_when_it_was_cancelled_never_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could replace what has been written since."""
    slow = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: slow.wait(30))
    files = Directory(tmp_path)
    begun = [
        asyncio.ensure_future(files.write(f"tasks/{n}/song.mid", b"x", "")) for n in range(WRITES_AT_ONCE)
    ]
    cancelled = asyncio.ensure_future(files.write("tasks/late/song.mid", b"x", ""))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    slow.set()
    await asyncio.gather(*begun, files.write("tasks/last/song.mid", b"x", ""))
    assert not (tmp_path / "tasks/late").exists()

"""The data folder: for one Kafka at a time, with room on its disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from broker.embedded import data_folder
from broker.embedded.data_folder import MIN_FREE_BYTES, DataFolder
from broker.embedded.errors import BrokerError


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def test_a_folder_is_for_one_at_a_time_and_the_holder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "_PATIENCE_SECONDS", 0.0)
    first, second = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    await first.claim()
    with pytest.raises(BrokerError, match=rf"{tmp_path}/data is in use by .*\(process {os.getpid()}\)"):
        await second.claim()
    first.release()
    await second.claim()
    second.release()


async def test_a_nearly_full_disk_is_told_before_kafka_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, MIN_FREE_BYTES - 1))
    with pytest.raises(BrokerError, match=r"has only 255 MiB free, and Kafka needs 256: make room"):
        await folder.claim()
    monkeypatch.undo()
    await folder.claim()
    folder.release()


async def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(BrokerError, match=rf"{tmp_path}/data cannot be used .*choose one"):
        await DataFolder(tmp_path / "data").claim()


def test_what_is_for_one_start_only_is_gone_at_the_next(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare("old=1\n")
    (folder.scratch / "libzstd.so").write_bytes(b"")
    folder.prepare("new=1\n")
    assert (tmp_path / "server.properties").read_text() == "new=1\n"
    assert list(folder.scratch.iterdir()) == []

"""Which jars Kafka is made of, and where they are kept."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest

from broker.embedded.jars import Jar, cache_folder, locked_jars


def test_every_jar_is_locked_to_a_version_and_a_sha256() -> None:
    jars = locked_jars()
    assert jars[0].filename == "kafka_2.13-4.2.1.jar"
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert len({jar.filename for jar in jars}) == len(jars) == 46


def test_all_parts_of_kafka_have_one_version() -> None:
    versions = {jar.version for jar in locked_jars() if jar.group == "org.apache.kafka"}
    assert versions == {"4.2.1"}


@pytest.mark.parametrize("name", ["jgo.toml", "jgo.lock.toml"])
def test_no_host_is_named(name: str) -> None:
    assert "//" not in (files("broker.embedded") / name).read_text("utf-8")


def test_the_lock_is_of_the_coordinates_beside_it() -> None:
    specification = (files("broker.embedded") / "jgo.toml").read_bytes()
    lock = (files("broker.embedded") / "jgo.lock.toml").read_text("utf-8")
    assert f'spec_hash = "{hashlib.sha256(specification).hexdigest()[:16]}"' in lock


def test_the_cache_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "midi-ingest" / "kafka-4.2.1"


@pytest.mark.parametrize("configured", ["", "relative/folder"])
def test_without_an_absolute_xdg_folder_the_cache_is_in_the_home(
    configured: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", configured)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "midi-ingest" / "kafka-4.2.1"


def test_a_jar_is_intact_only_with_the_very_bytes(tmp_path: Path) -> None:
    jar = Jar("org.example", "thing", "1", hashlib.sha256(b"whole").hexdigest())
    path = tmp_path / jar.filename
    assert not jar.is_intact(path)
    path.write_bytes(b"whol")
    assert not jar.is_intact(path)
    path.write_bytes(b"whole")
    assert jar.is_intact(path)

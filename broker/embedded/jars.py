"""Kafka's jars: which ones (``jgo.lock.toml``), and where they lie on this machine."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOCK_FILE: Final = Path(__file__).with_name("jgo.lock.toml")


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock file: its Maven coordinates and the SHA-256 of its bytes, in hexadecimal."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Its name in a Maven repository and in the cache."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def repository_path(self) -> Path:
        """Where it lies below the root of a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, self.filename)

    def is_intact(self, path: Path) -> bool:
        """Whether there is a file at ``path`` and it is this jar, byte for byte."""
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def locked_jars() -> list[Jar]:
    """The jars of the lock file, ``kafka_2.13`` first."""
    locked = tomllib.loads(_LOCK_FILE.read_text("utf-8"))["dependencies"]
    return [Jar(jar["groupId"], jar["artifactId"], jar["version"], jar["sha256"]) for jar in locked]


def cache_folder() -> Path:
    """Where the jars are kept: below ``$XDG_CACHE_HOME``, or ``~/.cache`` where that is unset or relative.

    (XDG Base Directory Specification 0.8.)
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "midi-ingest" / f"kafka-{locked_jars()[0].version}"

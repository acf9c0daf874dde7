"""Fetches what readers are made of, and tells a registry that does not answer from what is wrong here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Final

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from broker.embedded.jars import Jar

_FETCH_SECONDS: Final = 90
_REASON_CHARACTERS: Final = 400

# What npm and cargo say, old and new, where they do not reach a registry, or it has no time or nothing for us. All
# else that they say is about what we ask for, and how.
_NO_ANSWER: Final = re.compile(
    r"request to \S+ failed|related to network connectivity|timeout (?:at|while trying to fetch)"
    r"|code E(?:40[137]|429|5\d\d)\b"
    r"|failed to download from|network failure seems to have happened"
    r"|response from \S+?(?: \(\S+\))?, got (?:40[137]|429|5\d\d)\b"
)


class Unavailable(Exception):
    """A reader cannot run on this machine; the message says why, and what to do."""


def fetch(command: list[str], folder: Path) -> None:
    """Run, in a folder, npm or cargo to fetch what is asked for there.

    Raises:
        Unavailable: the registry does not answer, or with an error of its own.
        RuntimeError: anything else, such as a version that there is not, or a file of ours that cannot be read.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(command)}` had no answer within {_FETCH_SECONDS} s") from None
    if not done.returncode:
        return
    said = f"`{' '.join(command)}` failed: {done.stderr}"
    if _NO_ANSWER.search(done.stderr):
        raise Unavailable(shorten(said, _REASON_CHARACTERS))
    raise RuntimeError(said)


def fetch_jar(jar: Jar, target: Path) -> None:
    """Fetch a jar from Maven.

    Raises:
        Unavailable: Maven does not answer, or has no such jar: jgo does not tell which.
        LookupError: it has another jar.
    """
    with TemporaryDirectory(dir=target.parent) as incoming:
        context = MavenContext(resolver=PythonResolver(), repo_cache=Path(incoming))
        context.remote_repos.update(GlobalSettings.load().repositories)
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            context.resolver.download(artifact)
        except (requests.RequestException, RuntimeError) as error:
            raise Unavailable(f"{jar.filename} could not be fetched: {error}") from None
        arrived = Path(incoming) / jar.repository_path
        if not jar.is_intact(arrived):
            raise LookupError(f"{jar.filename} is not the jar with the SHA-256 {jar.sha256}")
        arrived.replace(target)

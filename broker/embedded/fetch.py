"""Makes sure that Kafka's jars are on this machine, and that each is what it should be.

Every start computes the SHA-256 of all jars (45 MB, a tenth of a second); the network is used only for what
is missing or damaged. A jar that a Maven repository on this machine (``~/.m2``, or the one jgo is configured
with) has intact is copied from there; the others come through jgo from Maven Central, or from the mirror that
jgo's configuration names as ``central``. A jar gets its name in the cache only when its SHA-256 was found
right, so that a fetch which is interrupted goes on where it was.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from broker.embedded.errors import BrokerError
from broker.embedded.extra import local_extra
from broker.embedded.fetch_progress import FetchProgress
from broker.embedded.jars import Jar, cache_folder, locked_jars

_PARALLEL: Final = 4
_POLL_SECONDS: Final = 0.2


class _Stopped(Exception):
    """Somebody set the event that stops fetching."""


def class_path(stop: threading.Event) -> list[Path]:
    """The paths of all jars, each verified; missing and damaged ones are fetched first.

    Setting ``stop`` from another thread ends a fetch within seconds; what has arrived is kept.

    Raises:
        BrokerError: network, repository or disk fail, or it was stopped.
    """
    folder, jars = cache_folder(), locked_jars()
    wanting = [jar for jar in jars if not jar.is_intact(folder / jar.filename)]
    if wanting:
        _fetch(wanting, folder, stop)
    return [folder / jar.filename for jar in jars]


def _fetch(jars: Sequence[Jar], folder: Path, stop: threading.Event) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            FetchProgress(len(jars)) as progress,
            _sole_fetcher(folder, progress, stop),
            _passing(folder / "incoming") as incoming,
        ):
            progress.say(f"Fetching {len(jars)} jars of Kafka into {folder} …")
            _name_damaged(jars, folder, progress)
            _Arrivals(folder, incoming, progress, stop).bring_all(jars)
    except _Stopped as stopped:
        raise BrokerError("fetching Kafka's jars was stopped; the next start goes on with it") from stopped
    except OSError as error:
        raise BrokerError(_disk_trouble(error, folder)) from error


def _name_damaged(jars: Sequence[Jar], folder: Path, progress: FetchProgress) -> None:
    for jar in jars:
        if (folder / jar.filename).exists():
            progress.say(f"{jar.filename} is damaged (its SHA-256 is not the locked one): replacing it")


class _Arrivals:
    """Brings jars into the folder, by way of ``incoming``, which is to jgo the Maven repository of this machine."""

    def __init__(self, folder: Path, incoming: Path, progress: FetchProgress, stop: threading.Event) -> None:
        configured = local_extra("jgo.config").GlobalSettings.load()
        maven = local_extra("jgo.maven")
        self._folder, self._incoming = folder, incoming
        self._progress, self._stop = progress, stop
        self._repository: Path = configured.repo_cache
        self._resolver = maven.PythonResolver(progress_callback=self._downloading)
        self._context = maven.MavenContext(resolver=self._resolver, repo_cache=self._incoming)
        self._context.remote_repos.update(configured.repositories)

    def bring_all(self, jars: Sequence[Jar]) -> None:
        """Bring all of them, or raise what the first one met that could not be had."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            try:
                for _ in pool.map(self._bring, jars):
                    self._progress.count()
            finally:
                self._stop.set()

    def _bring(self, jar: Jar) -> None:
        arrived, target = self._incoming / jar.repository_path, self._folder / jar.filename
        if jar.is_intact(target):  # another process has just fetched it
            return
        if jar.is_intact(self._repository / jar.repository_path):
            arrived.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._repository / jar.repository_path, arrived)
        else:
            self._download(jar, arrived)
        arrived.replace(target)

    def _download(self, jar: Jar, arrived: Path) -> None:
        self._go_on()
        artifact = self._context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            self._resolver.download(artifact)
        except (local_extra("requests").RequestException, RuntimeError) as error:
            raise BrokerError(_network_trouble(error, jar, self._folder)) from error
        if not jar.is_intact(arrived):
            raise BrokerError(
                f"{jar.filename} arrived with another SHA-256 than the locked one, {jar.sha256}, and was not "
                "kept: the proxy or mirror in between gives something else; start again without it"
            )

    @contextmanager
    def _downloading(self, filename: str, size: int) -> Iterator[Callable[[int], None]]:
        """What jgo calls at each download, and the function that it calls at each piece."""
        with self._progress.bar(filename, size) as advance:

            def received(count: int) -> None:
                self._go_on()
                advance(count)

            yield received

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _Stopped


@contextmanager
def _sole_fetcher(folder: Path, progress: FetchProgress, stop: threading.Event) -> Iterator[None]:
    """Of two processes that find the cache empty, one waits for the other and then finds all there."""
    with (folder / "fetch.lock").open("w") as lock:
        if not _locked(lock):
            progress.say(f"Another process is fetching Kafka into {folder}: waiting for it …")
        while not _locked(lock):
            if stop.wait(_POLL_SECONDS):
                raise _Stopped
        yield


@contextmanager
def _passing(folder: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; what a killed process left in it is gone before."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _network_trouble(error: Exception, jar: Jar, folder: Path) -> str:
    return (
        f"{jar.filename} could not be fetched ({type(error).__name__}), and the embedded Kafka needs the "
        "network for what is not in its cache: check it, and the proxy (HTTPS_PROXY) or mirror (jgo's "
        "configuration) if there is one, and start again; what has arrived is kept. "
        f"A machine without network can be given a copy of {folder}"
    )


def _disk_trouble(error: OSError, folder: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"no room for Kafka's jars (45 MB) in {folder}: make some, or set XDG_CACHE_HOME to another disk"
        )
    return (
        f"Kafka's jars cannot be kept in {folder} ({error}): "
        "set XDG_CACHE_HOME to a folder that you may write to"
    )

"""Jars are found, fetched, verified and repaired; what goes wrong is said clearly.

The jars are small made-up ones; they come through the real jgo from a Maven repository on this machine, which
is a folder or a small web server.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from broker.embedded import fetch
from broker.embedded.errors import BrokerError
from broker.embedded.jars import Jar
from broker.embedded.ports import free_port

CONTENTS = {name: f"the jar {name}".encode() * 1000 for name in ("kafka", "scala", "log4j")}
JARS = [
    Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()
]


class Machine:
    """A cache, a Maven repository as a folder, and one on the web."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.local = folder / "local"
        self.web = folder / "web"
        self.web.mkdir()
        self.jgo_config = folder / "jgo.conf"

    def fill(self, repository: Path) -> None:
        for jar in JARS:
            path = repository / jar.repository_path
            path.parent.mkdir(parents=True)
            path.write_bytes(CONTENTS[jar.artifact])

    def mirror_at(self, port: int) -> None:
        self.jgo_config.write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")

    def cached(self, name: str) -> Path:
        return self.cache / f"{name}-1.0.jar"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with nothing on it, whose only mirror does not answer."""
    machine = Machine(tmp_path)
    machine.mirror_at(free_port())
    monkeypatch.setattr(fetch, "locked_jars", lambda: JARS)
    monkeypatch.setattr(fetch, "cache_folder", lambda: machine.cache)
    monkeypatch.setenv("M2_REPO", str(machine.local))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(machine.jgo_config))
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    return machine


@pytest.fixture
def web(machine: Machine) -> Iterator[Path]:
    """The folder that the mirror serves."""
    handler = partial(_Quiet, directory=str(machine.web))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        machine.mirror_at(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield machine.web
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


def _class_path() -> list[Path]:
    return fetch.class_path(threading.Event())


def test_all_jars_come_from_the_mirror_and_are_what_they_should_be(machine: Machine, web: Path) -> None:
    machine.fill(web)
    assert _class_path() == [machine.cached(name) for name in CONTENTS]
    assert all(jar.is_intact(machine.cached(jar.artifact)) for jar in JARS)


def test_what_a_maven_repository_on_this_machine_has_needs_no_network(machine: Machine) -> None:
    machine.fill(machine.local)
    _class_path()
    assert all(jar.is_intact(machine.cached(jar.artifact)) for jar in JARS)


def test_a_complete_cache_needs_neither_network_nor_jgo(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.fill(machine.local)
    _class_path()
    shutil.rmtree(machine.local)
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    assert len(_class_path()) == len(JARS)


def test_a_truncated_jar_is_named_and_replaced(
    machine: Machine, web: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fill(web)
    _class_path()
    machine.cached("scala").write_bytes(b"the j")
    _class_path()
    assert "scala-1.0.jar is damaged" in capsys.readouterr().err
    assert machine.cached("scala").read_bytes() == CONTENTS["scala"]


def test_a_missing_jar_is_fetched_and_the_others_are_left_alone(machine: Machine, web: Path) -> None:
    machine.fill(web)
    _class_path()
    machine.cached("log4j").unlink()
    shutil.rmtree(web / "org/example/kafka")
    _class_path()
    assert machine.cached("log4j").read_bytes() == CONTENTS["log4j"]


def test_a_damaged_jar_in_the_local_repository_is_not_taken(machine: Machine, web: Path) -> None:
    machine.fill(web)
    machine.fill(machine.local)
    (machine.local / JARS[0].repository_path).write_bytes(b"half a ja")
    _class_path()
    assert machine.cached("kafka").read_bytes() == CONTENTS["kafka"]
    assert (machine.local / JARS[0].repository_path).read_bytes() == b"half a ja"


@pytest.mark.usefixtures("machine")
def test_without_network_it_says_what_is_missing_and_what_to_do() -> None:
    with pytest.raises(
        BrokerError, match=r"kafka-1.0.jar could not be fetched \(ConnectionError\).*start again"
    ):
        _class_path()


def test_a_mirror_that_lacks_a_jar_is_told_like_no_network(machine: Machine, web: Path) -> None:
    machine.fill(web)
    shutil.rmtree(web / "org/example/scala")
    with pytest.raises(BrokerError, match=r"scala-1.0.jar could not be fetched"):
        _class_path()


def test_what_arrived_before_the_network_failed_is_kept(machine: Machine, web: Path) -> None:
    machine.fill(web)
    shutil.rmtree(web / "org/example/log4j")
    with pytest.raises(BrokerError):
        _class_path()
    assert machine.cached("kafka").read_bytes() == CONTENTS["kafka"]


def test_a_jar_that_a_mirror_has_altered_is_refused_and_not_kept(machine: Machine, web: Path) -> None:
    machine.fill(web)
    (web / JARS[1].repository_path).write_bytes(b"something else")
    with pytest.raises(BrokerError, match=r"scala-1.0.jar arrived with another SHA-256"):
        _class_path()
    assert not machine.cached("scala").exists()


def test_a_full_disk_is_told_as_such(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    machine.fill(machine.local)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(BrokerError, match=r"no room for Kafka's jars .* XDG_CACHE_HOME"):
        _class_path()


def test_a_cache_that_cannot_be_written_to_is_named(machine: Machine) -> None:
    machine.cache.write_bytes(b"a file where a folder should be")
    with pytest.raises(BrokerError, match=rf"cannot be kept in {machine.cache}.*XDG_CACHE_HOME"):
        _class_path()


def test_fetching_can_be_stopped(machine: Machine, web: Path) -> None:
    machine.fill(web)
    stop = threading.Event()
    stop.set()
    with pytest.raises(BrokerError, match="stopped"):
        fetch.class_path(stop)
    assert not machine.cached("kafka").exists()


def test_two_first_starts_at_once_both_get_all_jars(machine: Machine, web: Path) -> None:
    machine.fill(web)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(_class_path) for _ in range(2)]
    assert both[0].result() == both[1].result() == [machine.cached(name) for name in CONTENTS]
    assert all(jar.is_intact(machine.cached(jar.artifact)) for jar in JARS)

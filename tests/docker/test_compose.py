"""docker-compose.yml, brought up for real from a copy of the checkout: `make test-docker`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import pytest
import requests

from midi_ingest import samples

ROOT: Final = Path(__file__).parents[2]
PARTS: Final = ("kafka", "ingest", "deduplicate", "normalize", "render", "route-failures", "store")
OURS: Final = PARTS[1:]

ANSWERED_SECONDS: Final = 10
"""How long the ingress may take for its answer while Kafka is dead, which it waits for before it takes the disk."""
ARRIVED_SECONDS: Final = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True)
class Stack:
    """A project of docker compose in a folder of its own."""

    folder: Path
    port: int
    env: dict[str, str]

    def run(self, *command: str) -> str:
        """What a command says; fails with all of it where the command does."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def compose(self, *arguments: str) -> str:
        return self.run("docker", "compose", *arguments)

    def up(self, *options: str) -> None:
        self.compose("up", "--detach", "--wait", *options)

    def smoke(self) -> None:
        self.run("make", "smoke")

    def exit_codes(self) -> dict[str, int]:
        told = self.compose("ps", "--all", "--format", "json").splitlines()
        return {part["Service"]: part["ExitCode"] for part in map(orjson.loads, told)}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("checkout")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    port, project = free_port(), f"midi-ingest-test-{os.getpid()}"
    env = os.environ | {
        "COMPOSE_PROJECT_NAME": project,
        "MIDI_INGEST_IMAGE": f"{project}:local",
        "HTTP_PORT": str(port),
        "KAFKA_PORT": str(free_port()),
    }
    stack = Stack(folder, port, env)
    try:
        stack.up("--build")
        yield stack
    finally:
        stack.compose("down", "--volumes", "--rmi", "local")
        stack.run("docker", "image", "rm", "--force", env["MIDI_INGEST_IMAGE"])


def test_it_comes_up_and_a_song_posted_twice_is_one(stack: Stack) -> None:
    stack.smoke()
    stack.smoke()


@pytest.mark.parametrize("part", PARTS)
def test_it_goes_on_after_a_part_was_killed(stack: Stack, part: str) -> None:
    stack.compose("kill", part)
    stack.up()
    stack.smoke()


def test_what_comes_while_kafka_is_dead_is_a_song_afterwards(stack: Stack) -> None:
    stack.compose("kill", "kafka")
    answer = requests.post(
        f"http://127.0.0.1:{stack.port}/suno-midi-callback",
        data=samples.renamed(samples.sample(), "while-kafka-was-dead"),
        headers={"Content-Type": "application/json"},
        timeout=ANSWERED_SECONDS,
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    stack.up()
    song = stack.folder / "data/store/tasks/while-kafka-was-dead/song.mid"
    deadline = time.monotonic() + ARRIVED_SECONDS
    while not song.exists():
        assert time.monotonic() < deadline, "the song did not come"
        time.sleep(0.2)
    assert song.read_bytes().startswith(b"MThd")


def test_a_worker_scales(stack: Stack) -> None:
    stack.up("--scale", "render=3")
    assert len(stack.compose("ps", "--quiet", "render").split()) == 3
    stack.smoke()
    stack.up("--scale", "render=1")


@pytest.mark.parametrize("part", OURS)
def test_a_container_can_do_no_more_than_it_needs(stack: Stack, part: str) -> None:
    status = stack.compose("exec", "-T", part, "cat", "/proc/1/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Name"] == "tini"
    assert {fields[name].strip("0") for name in ("CapPrm", "CapEff", "CapBnd")} == {""}
    assert fields["NoNewPrivs"] == "1"
    assert "0" not in fields["Uid"].split()
    tried = stack.compose("exec", "-T", part, "sh", "-c", "touch /opt/x 2>&1 || true")
    assert "Read-only file system" in tried


def test_a_stop_ends_every_part_by_itself(stack: Stack) -> None:
    stack.compose("stop")
    codes = stack.exit_codes()
    assert {part: codes[part] for part in OURS} == dict.fromkeys(OURS, 0)

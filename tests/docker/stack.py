"""docker-compose.yml, brought up for real from a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import pytest
import requests

from midi_ingest import samples

ROOT: Final = Path(__file__).parents[2]

WORKERS: Final = ("deduplicate", "normalize", "render", "route-failures", "store")

ANSWERED_SECONDS: Final = 10
"""How long the ingress may take for its answer while Kafka is dead, which it waits for before it takes the disk."""
ARRIVED_SECONDS: Final = 120
COMMAND_SECONDS: Final = 600

PORTS: Final = (
    "HTTP_PORT",
    "KAFKA_PORT",
    "KAFKA_1_PORT",
    "KAFKA_2_PORT",
    "KAFKA_3_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "KAFKA_UI_PORT",
    "S3_PORT",
)


@dataclass(frozen=True)
class Stack:
    """A project of docker compose in a folder of its own."""

    folder: Path
    env: dict[str, str]

    @property
    def image(self) -> str:
        return self.env["INGEST_IMAGE"]

    def attempt(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def run(self, *command: str) -> str:
        """What a command says; fails with all of it where the command does."""
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def following(self, *command: str) -> Iterator[Iterator[str]]:
        """The lines of a command that does not end by itself, and is ended."""
        with subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            assert process.stdout
            try:
                yield iter(process.stdout)
            finally:
                os.killpg(process.pid, signal.SIGTERM)

    def compose(self, *arguments: str) -> str:
        return self.run("docker", "compose", *arguments)

    def up(self, *options: str) -> None:
        self.compose("up", "--detach", "--wait", *options)

    def smoke(self) -> None:
        self.run("make", "smoke")

    def port(self, name: str) -> int:
        return int(self.env[name])

    def post(self, task_id: str) -> requests.Response:
        """Post the sender's sample as this task."""
        return requests.post(
            f"http://127.0.0.1:{self.port('HTTP_PORT')}/suno-midi-callback",
            data=samples.renamed(samples.sample(), task_id),
            headers={"Content-Type": "application/json"},
            timeout=ANSWERED_SECONDS,
        )

    def exit_codes(self) -> dict[str, int]:
        told = self.compose("ps", "--all", "--format", "json").splitlines()
        return {part["Service"]: part["ExitCode"] for part in map(orjson.loads, told)}


@contextmanager
def checkout(folder: Path, *profiles: str, **env: str) -> Iterator[Stack]:
    """The checkout, copied into a folder and taken away again with all that was made of it."""
    _copy_checkout(folder)
    project = f"midi-ingest-test-{os.getpid()}"
    own = {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_PROFILES": ",".join(profiles),
        "COMPOSE_ENV_FILES": ",".join(_settings(profiles)),
        "INGEST_IMAGE": f"{project}:local",
    }
    stack = Stack(folder, os.environ | own | dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)) | env)
    try:
        yield stack
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--rmi", "local")
        stack.run("docker", "image", "rm", "--force", stack.image)


@contextmanager
def running(folder: Path, *profiles: str, **env: str) -> Iterator[Stack]:
    """The checkout brought up with these profiles and their settings."""
    with checkout(folder, *profiles, **env) as stack:
        stack.up("--build")
        yield stack


def wait_for(what: str, there: Callable[[], bool], within_seconds: float = ARRIVED_SECONDS) -> None:
    """Fails where it does not come."""
    deadline = time.monotonic() + within_seconds
    while not there():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.2)


def needs_image(variable: str) -> None:
    """Skip what is about the image of this variable, where it is neither here nor can be pulled."""
    image = image_of(variable)
    if (
        subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode
        == 0
    ):
        return
    pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, text=True, check=False)
    if pulled.returncode:
        pytest.skip(f"{image} cannot be had: {pulled.stderr.strip()}")


def image_of(variable: str) -> str:
    """The image that this variable names, or else docker-compose.yml."""
    default = re.search(rf"\${{{variable}:-([^}}]+)}}", (ROOT / "docker-compose.yml").read_text())
    assert default
    return os.environ.get(variable) or default[1]


def _settings(profiles: Iterable[str]) -> list[str]:
    files = [f"deploy/{profile}.env" for profile in profiles]
    return [file for file in files if (ROOT / file).exists()]


def _copy_checkout(folder: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)


def _free_ports(count: int) -> list[str]:
    """Different ones: all are held until the last is found."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports

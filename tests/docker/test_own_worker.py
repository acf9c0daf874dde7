"""A worker of one's own beside ours, by the words of docs/docker.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.docker.stack import Stack, checkout
from tests.docs import CUSTOM_WORKERS, DOCKER, block, write_files

CONFINED: Final = "{{.HostConfig.CapDrop}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}}"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with checkout(tmp_path_factory.mktemp("checkout")) as stack:
        (mine := stack.folder / "my").mkdir()
        write_files(CUSTOM_WORKERS, mine)
        write_files(DOCKER, stack.folder)
        stack.up("--build")
        yield stack


@pytest.fixture
def own_image(stack: Stack) -> Iterator[str]:
    """Built on the stack's image as the page builds on ours."""
    dockerfile = block(DOCKER, "Dockerfile").text.replace("midi-ingest:local", stack.image)
    (stack.folder / "my/Dockerfile").write_text(dockerfile)
    name = f"{stack.image}-mine"
    stack.run("docker", "build", "--quiet", "--tag", name, "my")
    yield name
    stack.run("docker", "image", "rm", name)


def test_its_topics_are_made_and_it_writes(stack: Stack) -> None:
    stack.compose("exec", "-T", "ingest", "midi-ingest", "send", "--wait")
    read = ("midi-ingest", "topics", "read", "loudest", "--follow", "--limit", "1")
    assert '"velocity":127' in stack.compose("exec", "-T", "loudest-note", *read)


def test_it_is_asked_for_its_health_and_confined_as_ours_are(stack: Stack) -> None:
    assert '"ok"' in stack.compose("exec", "-T", "loudest-note", "python", "/opt/is_ready.py")
    ids = [stack.compose("ps", "--quiet", part).strip() for part in ("loudest-note", "deduplicate")]
    own, ours = stack.run("docker", "inspect", "--format", CONFINED, *ids).splitlines()
    assert own == ours


def test_its_image_may_have_packages_that_ours_has_not(stack: Stack, own_image: str) -> None:
    tried = "import numpy, os, midi_ingest; print(os.getuid())"
    said = stack.run("docker", "run", "--rm", "--entrypoint", "python", own_image, "-c", tried)
    assert said == "1000\n"

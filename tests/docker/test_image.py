"""What goes into the image, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson
import pytest

from midi_ingest.version import __version__
from tests.docker.stack import Stack, checkout

PRIVATE: Final = (
    ".env",
    ".git/config",
    "secrets/ingest/url-tokens",
    "data/store/song.mid",
    "workers/.env.production",
)
PACKAGES: Final = ("broker", "ingest", "midi_ingest", "schemas", "telemetry", "workers")
BESIDE: Final = ("LICENSE", "README.md", "deploy", "pyproject.toml", "requirements")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with checkout(tmp_path_factory.mktemp("checkout")) as here:
        yield here


def test_nothing_private_reaches_the_build(here: Stack) -> None:
    for name in PRIVATE:
        (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (here.folder / name).write_text("A=secret\n")
    (here.folder / "listing").write_text("FROM python:3.13-slim\nCOPY . /context\n")
    here.run("docker", "build", "--quiet", "--file", "listing", "--tag", here.image, ".")
    found = here.run("docker", "run", "--rm", here.image, "find", "/context", "-type", "f").split()
    names = {str(Path(path).relative_to("/context")) for path in found}
    assert "workers/store.py" in names
    assert not names & set(PRIVATE)
    assert {name.split("/")[0] for name in names} == {*PACKAGES, *BESIDE}


def test_the_image_says_what_it_is(here: Stack) -> None:
    revision = "0123456789abcdef"
    built = ["--build-arg", f"VERSION={__version__}", "--build-arg", f"REVISION={revision}"]
    here.run("docker", "build", "--quiet", *built, "--tag", here.image, ".")
    (told,) = orjson.loads(here.run("docker", "image", "inspect", here.image))
    labels = told["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.revision"] == revision
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert (told["Config"]["User"], told["Config"]["Entrypoint"][0]) == ("midi", "tini")

"""The profile `s3`: an object store of this machine instead of the folder, its files in that folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from tests.docker.stack import Stack, needs_image, running, wait_for
from tests.docs import DOCKER, block


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    needs_image("S3_IMAGE")
    with running(tmp_path_factory.mktemp("checkout"), "s3") as stack:
        yield stack


def test_songs_go_to_the_object_store_and_lie_where_they_always_do(stack: Stack) -> None:
    stack.smoke()
    said = stack.compose("exec", "-T", "ingest", "midi-ingest", "send", "--wait")
    assert "s3://store/tasks/5c79%2A%2A%2A%2Abe8e/song.mid" in said
    song = stack.folder / "data/store/tasks/5c79%2A%2A%2A%2Abe8e/song.mid"
    assert stat.S_IMODE(song.stat().st_mode) & stat.S_IROTH


def test_curl_sees_the_songs_by_the_words_of_the_page(stack: Stack) -> None:
    listing = block(DOCKER, "curl").text.replace(":7070", f":{stack.port('S3_PORT')}")
    assert "<Key>tasks/5c79%2A%2A%2A%2Abe8e/song.mid</Key>" in stack.run("sh", "-ec", listing)


def test_what_comes_while_the_object_store_is_dead_is_a_song_afterwards(stack: Stack) -> None:
    stack.compose("kill", "s3")
    assert stack.post("while-s3-was-dead").json() == {"status": "received"}
    wait_for("a try", lambda: "while-s3-was-dead" in stack.compose("logs", "--no-log-prefix", "store"))
    song = stack.folder / "data/store/tasks/while-s3-was-dead/song.mid"
    assert not song.exists()
    stack.up()
    wait_for("the song", song.exists)


def test_its_password_was_made_here_and_stays(stack: Stack) -> None:
    told = ("exec", "-T", "s3", "cat", "/run/s3/credentials")
    before = stack.compose(*told)
    assert len(before.split("AWS_SECRET_ACCESS_KEY=")[1].strip()) >= 40
    stack.compose("up", "--detach", "--wait", "--force-recreate", "s3-credentials", "s3")
    assert stack.compose(*told) == before

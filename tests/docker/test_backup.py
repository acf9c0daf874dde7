"""A backup and its way back, by the words of docs/docker.md."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docker.stack import Stack, running, wait_for
from tests.docs import DOCKER, block


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("checkout")) as stack:
        yield stack


def said(stack: Stack, *command: str) -> str:
    return stack.compose("exec", "-T", "ingest", "midi-ingest", *command, "--output", "json")


def is_ready(stack: Stack) -> bool:
    asked = ("docker", "compose", "exec", "-T", "ingest", "python", "/opt/is_ready.py")
    return stack.attempt(*asked).returncode == 0


def test_what_was_there_at_the_backup_is_there_again(stack: Stack) -> None:
    song = stack.folder / "data/store/tasks/before/song.mid"
    stack.post("before")
    stack.smoke()
    wait_for("the song", song.exists)
    kept, letters = song.read_bytes(), said(stack, "dlq", "list")

    stack.run("sh", "-ec", block(DOCKER, "backup").text)
    wait_for("the ingress", lambda: is_ready(stack))
    stack.post("after")
    wait_for("the next song", (stack.folder / "data/store/tasks/after/song.mid").exists)
    refused = stack.attempt("sh", "deploy/restore.sh", "../backup")
    assert "is there already" in refused.stderr

    stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "rm", "store", "-r", "/data/store/tasks")
    stack.run("sh", "-ec", block(DOCKER, "restore").text)
    assert song.read_bytes() == kept
    stack.up()
    assert said(stack, "dlq", "list") == letters
    assert '"complete"' in said(stack, "task", "before")
    forgotten = stack.attempt("docker", "compose", "exec", "-T", "ingest", "midi-ingest", "task", "after")
    assert "nothing is known of 'after'" in forgotten.stderr
    stack.smoke()


def test_a_project_that_has_kept_nothing_is_not_backed_up(stack: Stack) -> None:
    done = stack.attempt(
        "sh", "deploy/backup.sh", "../nothing", COMPOSE_PROJECT_NAME="midi-ingest-test-nobody"
    )
    assert done.returncode == 1
    assert "the project midi-ingest-test-nobody has no volumes here" in done.stderr
    assert not (stack.folder / "../nothing").exists()

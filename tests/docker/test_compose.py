"""docker-compose.yml as it is on a clean checkout: `make test-docker`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
import requests

from tests.docker.stack import ANSWERED_SECONDS, WORKERS, Stack, running, wait_for

OURS: Final = ("ingest", *WORKERS)
PARTS: Final = ("kafka", *OURS)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("checkout")) as stack:
        yield stack


@contextmanager
def settings(stack: Stack, **given: str) -> Iterator[None]:
    env = stack.folder / ".env"
    env.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    try:
        yield
    finally:
        env.unlink()


def test_it_comes_up_and_a_song_posted_twice_is_one(stack: Stack) -> None:
    stack.smoke()
    stack.smoke()


@pytest.mark.parametrize("part", PARTS)
def test_it_goes_on_after_a_part_was_killed(stack: Stack, part: str) -> None:
    stack.compose("kill", part)
    stack.up()
    stack.smoke()


@pytest.mark.parametrize(
    ("part", "told"),
    [("store", "not all songs came"), ("route-failures", "a task had to end as invalid-payload")],
)
def test_smoke_fails_and_says_why_while_a_part_is_away(stack: Stack, part: str, told: str) -> None:
    stack.compose("stop", part)
    done = stack.attempt("make", "smoke", SMOKE_SECONDS="20")
    stack.up()
    assert done.returncode != 0
    assert told in done.stderr


def test_what_comes_while_kafka_is_dead_is_a_song_afterwards(stack: Stack) -> None:
    stack.compose("kill", "kafka")
    answer = stack.post("while-kafka-was-dead")
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    stack.up()
    song = stack.folder / "data/store/tasks/while-kafka-was-dead/song.mid"
    wait_for("the song", song.exists)
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


def test_only_what_is_not_the_stores_is_made_its(stack: Stack) -> None:
    tasks = stack.folder / "data/store/tasks"
    kept = {path: path.stat().st_ctime_ns for path in tasks.glob("*/score.json")}
    stack.compose("run", "--rm", "store-folder", "chown root:root /data/store/tasks/*/song.mid")
    assert {path.owner() for path in tasks.glob("*/song.mid")} == {"root"}
    stack.compose("run", "--rm", "store-folder")
    assert {path.stat().st_uid for path in tasks.glob("*/song.mid")} == {1000}
    assert {path: path.stat().st_ctime_ns for path in kept} == kept


def test_make_up_refuses_a_profile_that_does_not_exist(stack: Stack) -> None:
    done = stack.attempt("make", "up", PROFILES="clutser")
    assert done.returncode != 0
    assert "There is no profile clutser" in done.stderr


def test_make_up_adds_profiles_to_those_that_are_always_on(stack: Stack) -> None:
    told = stack.attempt(
        "make", "--dry-run", "up", PROFILES="observability", COMPOSE_PROFILES="cluster,s3"
    ).stdout
    assert "--profile cluster --profile observability --profile s3" in told
    assert "--env-file deploy/cluster.env --env-file deploy/s3.env" in told


def test_make_up_names_a_wrong_setting_and_leaves_what_runs_as_it_is(stack: Stack) -> None:
    with settings(stack, MIDI_INGEST_LOG_LEVL="debug"):
        done = stack.attempt("make", "up")
    assert done.returncode != 0
    assert "MIDI_INGEST_LOG_LEVL is not a setting" in done.stderr
    assert stack.post("while-a-setting-was-wrong").status_code == requests.codes.ok


def test_make_up_shows_why_a_part_did_not_come_up(stack: Stack) -> None:
    tokens = "/run/secrets/ingest/nowhere"
    with settings(stack, MIDI_INGEST_ORIGIN="url-token", MIDI_INGEST_URL_TOKENS_FILE=tokens):
        done = stack.attempt("make", "up")
    stack.up()
    assert done.returncode != 0
    assert f"MIDI_INGEST_URL_TOKENS_FILE: {tokens}" in done.stderr
    assert "make logs S=ingest" in done.stderr


def test_make_up_says_where_the_ingress_is_as_it_is_set_up(stack: Stack) -> None:
    (stack.folder / "secrets/ingest/url-tokens").write_text("a-token-of-this-test")
    with settings(
        stack,
        MIDI_INGEST_PATH="/songs",
        MIDI_INGEST_ORIGIN="url-token",
        MIDI_INGEST_URL_TOKENS_FILE="/run/secrets/ingest/url-tokens",
    ):
        told = stack.run("make", "up")
        url = f"http://127.0.0.1:{stack.port('HTTP_PORT')}/songs"
        assert f"Callbacks: {url}/<token>, songs: ./data/store." in told
        assert requests.post(url, timeout=ANSWERED_SECONDS).status_code == requests.codes.unauthorized
        stack.smoke()
    assert "/suno-midi-callback, songs" in stack.run("make", "up")


def test_logs_follow_the_part_that_is_named(stack: Stack) -> None:
    with stack.following("make", "logs", "S=render") as lines:
        assert "render-1" in next(line for line in lines if "|" in line)


def test_a_stop_ends_every_part_by_itself(stack: Stack) -> None:
    stack.compose("stop")
    codes = stack.exit_codes()
    assert {part: codes[part] for part in OURS} == dict.fromkeys(OURS, 0)

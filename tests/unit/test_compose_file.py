"""docker-compose.yml with each of its profiles, as `docker compose config` reads it: no engine is asked."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import pytest

from midi_ingest import settings

ROOT: Final = Path(__file__).parents[2]
ALWAYS: Final = {
    "kafka", "topics", "ingest", "deduplicate", "normalize", "render", "route-failures", "store", "store-folder",
}  # fmt: skip
ADDED: Final = {
    "cluster": {"kafka-1", "kafka-2", "kafka-3", "cluster-needs-its-env-file"},
    "observability": {"prometheus", "grafana"},
    "kafka-ui": {"kafka-ui"},
    "s3": {"s3", "s3-credentials"},
}
EVERYTHING: Final = tuple(ADDED)
COMBINATIONS: Final = [(), *((name,) for name in ADDED), EVERYTHING]
OURS: Final = ("topics", "ingest", "deduplicate", "normalize", "render", "route-failures", "store")


def composed(*profiles: str, env: str = "") -> dict[str, Any]:
    """What Compose makes of the file with these profiles, their settings and this `.env`, and nobody else's."""
    own = [file for name in profiles if (file := ROOT / "deploy" / f"{name}.env").exists()]
    options = ["--file", str(ROOT / "docker-compose.yml")]
    options += [option for file in [*own, ".env"] for option in ("--env-file", str(file))]
    options += [option for name in profiles for option in ("--profile", name)]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with TemporaryDirectory() as folder:
        (Path(folder) / ".env").write_text(env)
        command = ["docker", "compose", "--project-directory", folder, *options, "config", "--format", "json"]
        try:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no docker command")
    if b"is not a docker command" in done.stderr or b"unknown flag" in done.stderr:
        pytest.skip("there is no docker compose")
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = orjson.loads(done.stdout)
    return read


@pytest.mark.parametrize("profiles", COMBINATIONS, ids="+".join)
def test_a_profile_adds_its_services_and_nothing_else(profiles: tuple[str, ...]) -> None:
    assert composed(*profiles)["services"].keys() == ALWAYS.union(*(ADDED[name] for name in profiles))


def test_every_service_has_what_it_needs_and_no_more() -> None:
    for name, service in composed(*EVERYTHING)["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {port["host_ip"] for port in service.get("ports", ())} <= {"127.0.0.1"}, name
        assert "mem_limit" in service, name
        if service.get("pull_policy") == "never":  # it runs our image
            assert "pids_limit" in service, name


def test_no_two_services_want_the_same_port() -> None:
    services = composed(*EVERYTHING)["services"].values()
    ports = [port["published"] for service in services for port in service.get("ports", ())]
    assert len(ports) == len(set(ports))


def test_a_cluster_knows_nothing_of_the_only_broker_and_does_not_touch_what_that_has_kept() -> None:
    services = composed("cluster")["services"]
    only, three = services["kafka"], [services[f"kafka-{number}"] for number in (1, 2, 3)]
    assert only["scale"] == 0
    assert [volume["source"] for broker in three for volume in broker["volumes"]] == [
        "kafka-1",
        "kafka-2",
        "kafka-3",
    ]
    assert not any("kafka:" in str(broker["environment"]) for broker in three)
    assert composed()["services"]["kafka"]["volumes"] == only["volumes"]


def test_every_client_knows_every_broker() -> None:
    services = composed("cluster")["services"]
    told = {service.get("environment", {}).get("KAFKA_BOOTSTRAP_SERVERS") for service in services.values()}
    assert told - {None} == {"kafka-1:19092,kafka-2:19092,kafka-3:19092"}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_in_env_reaches_our_services_a_misspelt_one_too(name: str) -> None:
    given = {
        "MIDI_INGEST_ALLOWED_ADDRESSES": "192.0.2.0/24",
        "MIDI_INGEST_CORRELATION_PARAMETERS": "user,order",
        "MIDI_INGEST_LOG_LEVL": "debug",
        "KAFKA_SASL_USERNAME": "midi",
    }
    service = composed(env="\n".join(f"{key}={value}" for key, value in given.items()))["services"][name]
    assert given.items() <= service["environment"].items()


@pytest.mark.parametrize("name", OURS)
def test_what_a_container_is_made_of_cannot_be_changed_in_env(name: str) -> None:
    written = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "MIDI_INGEST_HOST": "127.0.0.1",
        "MIDI_INGEST_PORT": "8090",
        "MIDI_INGEST_SPOOL_DIR": "./data/spool",
        "MIDI_INGEST_STATE_DIR": "./data/state",
        "MIDI_INGEST_HEALTH_PORT": "8101",
        "MIDI_INGEST_HEALTH_HOST": "127.0.0.1",
    }
    env = "\n".join(f"{key}={value}" for key, value in written.items())
    as_it_is = composed()["services"][name]["environment"]
    assert written | as_it_is == composed(env=env)["services"][name]["environment"]


def test_each_service_sees_its_own_secrets_only() -> None:
    seen = {
        name: {v["target"] for v in service.get("volumes", ()) if v["target"].startswith("/run/secrets")}
        for name, service in composed(*EVERYTHING)["services"].items()
    }
    everybodys = {"/run/secrets/kafka"}
    own = {name: {f"/run/secrets/{name}"} for name in ("ingest", "store")}
    assert {name: folders for name, folders in seen.items() if folders} == {
        name: everybodys | own.get(name, set()) for name in OURS
    }


def test_what_compose_itself_takes_from_env_is_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    written = (ROOT / "docker-compose.yml").read_text()
    for name in set(re.findall(r"\$\{([A-Z0-9_]+)", written)) - settings.variables().keys():
        monkeypatch.setenv(name, "1")
    settings.load()

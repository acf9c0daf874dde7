"""The alerts, tried by Prometheus' own promtool: on series in which each fires, and on some in which it must not."""

from __future__ import annotations

import subprocess

import pytest

from tests.docker.stack import ROOT, image_of, needs_image


@pytest.mark.parametrize(
    "command",
    [
        ["check", "rules", "deploy/prometheus-alerts.yml"],
        ["check", "config", "deploy/prometheus.yml"],
        ["test", "rules", "tests/docker/alerts.yml"],
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(command: list[str]) -> None:
    needs_image("PROMETHEUS_IMAGE")
    files = [f"--volume={ROOT / folder}:/checkout/{folder}:ro" for folder in ("deploy", "tests/docker")]
    promtool = [
        "--network=none",
        "--workdir=/checkout",
        "--entrypoint=promtool",
        image_of("PROMETHEUS_IMAGE"),
    ]
    done = subprocess.run(
        ["docker", "run", "--rm", *files, *promtool, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

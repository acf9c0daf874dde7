"""The profile `observability`: what Prometheus sees, and what Grafana is given to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest
import requests
import yaml

from tests.docker.stack import (
    ROOT,
    WORKERS,
    Stack,
    checkout,
    needs_image,
    wait_for,
)

RENDERERS: Final = 3

ALERTS: Final = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())["groups"][0]["rules"]
PANELS: Final = orjson.loads((ROOT / "deploy/grafana-dashboard.json").read_bytes())["panels"]
QUERIES: Final = {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
FORGOTTEN_SECONDS: Final = 300
"""How long Prometheus may take to ask for names again, to let go of a target, and to look at the rules."""

QUIET: Final = {"Failed, retried, dead B", "Restarts and restores A"}
"""They have nothing to show until a record is retried, or a lane opened anew."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    needs_image("PROMETHEUS_IMAGE")
    with checkout(tmp_path_factory.mktemp("checkout"), "observability") as stack:
        stack.up("--build", "--scale", f"render={RENDERERS}", "prometheus", "ingest", *WORKERS)
        stack.smoke()
        yield stack


def asked(stack: Stack, path: str, **parameters: str) -> Any:
    url = f"http://127.0.0.1:{stack.port('PROMETHEUS_PORT')}/api/v1/{path}"
    answer = requests.get(url, params=parameters, timeout=10)
    assert answer.status_code == requests.codes.ok, answer.text
    return answer.json()["data"]


def test_every_process_is_scraped_each_copy_by_itself(stack: Stack) -> None:
    expected = {"ingest": 1, **dict.fromkeys(WORKERS, 1), "render": RENDERERS}

    def seen() -> Counter[str]:
        targets = asked(stack, "targets", state="active")["activeTargets"]
        labels = [target["labels"] for target in targets if target["health"] == "up"]
        return Counter(label.get("service", label["job"]) for label in labels)

    wait_for("every target", lambda: seen() == expected)


def test_every_alert_is_evaluated(stack: Stack) -> None:
    def healthy() -> set[str]:
        groups = asked(stack, "rules", type="alert")["groups"]
        return {rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "ok"}

    wait_for("every alert", lambda: healthy() == {alert["alert"] for alert in ALERTS})


@pytest.mark.parametrize("query", sorted(QUERIES.keys() - QUIET))
def test_the_dashboard_has_something_to_show(stack: Stack, query: str) -> None:
    wait_for("data", lambda: bool(asked(stack, "query", query=QUERIES[query])["result"]))


def test_a_part_whose_copies_are_all_dead_is_missed(stack: Stack) -> None:
    def missed() -> set[str]:
        alerts = asked(stack, "alerts")["alerts"]
        return {
            alert["labels"]["part"] for alert in alerts if alert["labels"]["alertname"] == "MidiIngestDown"
        }

    wait_for("a sign of every part", lambda: not missed())
    stack.compose("kill", "render")
    wait_for("the alert", lambda: missed() == {"render"}, FORGOTTEN_SECONDS)


def test_grafana_shows_the_dashboard_to_anybody_and_lets_nobody_in(stack: Stack) -> None:
    needs_image("GRAFANA_IMAGE")
    stack.up("grafana")
    url = f"http://127.0.0.1:{stack.port('GRAFANA_PORT')}/api"
    assert requests.get(f"{url}/dashboards/uid/midi-ingest", timeout=10).json()["meta"]["provisioned"]
    assert requests.get(f"{url}/dashboards/home", timeout=10).json()["dashboard"]["title"] == "midi-ingest"
    refused = requests.get(f"{url}/admin/settings", auth=("admin", "admin"), timeout=10)
    assert refused.status_code in {requests.codes.unauthorized, requests.codes.forbidden}

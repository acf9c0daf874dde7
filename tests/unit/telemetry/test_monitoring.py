"""The alerts, the dashboard and docs/monitoring.md speak of metrics that there are, and of all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from telemetry import metrics
from workers.catalogue import BUILT_IN

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "monitoring.md").read_text()
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())["panels"]
PROVED = yaml.safe_load((ROOT / "tests" / "docker" / "alerts.yml").read_text())["tests"]
METRICS = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]


def series(metric: Counter | Gauge | Histogram) -> list[str]:
    """The names under which Prometheus has a metric."""
    ends = {Counter: ["_total"], Gauge: [""], Histogram: ["_bucket", "_sum", "_count"]}[type(metric)]
    return [metric._name + end for end in ends]


LABELS = {name: {*metric._labelnames, "le"} for metric in METRICS for name in series(metric)}


EXPRESSIONS = [pytest.param(alert["expr"], id=alert["alert"]) for alert in ALERTS] + [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_names_metrics_and_labels_that_there_are(expression: str) -> None:
    names = set(re.findall(r"midi_ingest_\w+", expression))
    assert names
    assert names <= LABELS.keys()
    asked = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
    matched = {
        label
        for braces in re.findall(r"\{([^}]*)\}", expression)
        for label in re.findall(r"(\w+)!?[=~]", braces)
    }
    for name in names:
        assert asked | matched <= LABELS[name]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_counter_that_begins_with_its_first_event_is_seen_to_rise(expression: str) -> None:
    labelled = {
        metric._name + "_total" for metric in METRICS if isinstance(metric, Counter) and metric._labelnames
    }
    for name, window in re.findall(r"\bincrease\((\w+)(?:\{[^}]*\})?\[(\w+)\]\)", expression):
        new = rf"\({name}(\{{[^}}]*\}})? unless {name} offset {window}\) or increase\({name}"
        assert name not in labelled or re.search(new, expression)


def test_each_part_that_is_built_in_is_missed_when_it_is_dead() -> None:
    (down,) = [alert["expr"] for alert in ALERTS if alert["alert"] == "MidiIngestDown"]
    missed = re.findall(r'absent\(midi_ingest_start_time_seconds\{part="([\w-]+)"\}\)', down)
    assert sorted(missed) == sorted(["ingest", *BUILT_IN])


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = [case for test in PROVED for case in test["alert_rule_test"]]
    for alert in ALERTS:
        fires = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == alert["alert"]}
        assert fires == {True, False}, alert["alert"]


def test_every_alert_is_on_the_page_and_every_alert_there_is_one() -> None:
    assert {alert["alert"] for alert in ALERTS} == set(re.findall(r"`(MidiIngest\w+)`", PAGE))
    assert all(alert["annotations"]["summary"] and alert["labels"]["severity"] for alert in ALERTS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric._name)
def test_the_page_tells_of_every_metric(metric: Counter | Gauge | Histogram) -> None:
    short = metric._name.removeprefix("midi_ingest_").removeprefix("worker_")
    end = "_total" if isinstance(metric, Counter) else ""
    assert re.search(rf"`(midi_ingest_)?{short}{end}(\{{[^`]*)?`", PAGE)


def test_every_link_on_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists(), link

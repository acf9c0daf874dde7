"""The settings that Kafka gets."""

from __future__ import annotations

from broker.embedded.properties import server_properties


def _settings(extra: dict[str, str] | None = None) -> dict[str, str]:
    lines = server_properties(9092, 9093, extra or {}).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_listens_on_the_loopback_address_only() -> None:
    settings = _settings()
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9093"


def test_one_broker_asks_for_one_copy_of_everything() -> None:
    copies = {
        name: value
        for name, value in _settings().items()
        if "replication.factor" in name or "min.isr" in name
    }
    assert {"offsets.topic.replication.factor", "transaction.state.log.min.isr"} <= copies.keys()
    assert set(copies.values()) == {"1"}


def test_topics_are_not_created_by_accident() -> None:
    assert _settings()["auto.create.topics.enable"] == "false"


def test_a_body_of_eight_mib_and_its_headers_fit_into_a_record() -> None:
    assert int(_settings()["message.max.bytes"]) > 9 * 1024 * 1024


def test_what_the_caller_sets_goes_before_ours() -> None:
    settings = _settings({"num.io.threads": "1", "log.retention.ms": "1000"})
    assert settings["num.io.threads"] == "1"
    assert settings["log.retention.ms"] == "1000"

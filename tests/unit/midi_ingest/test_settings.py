"""All settings, as the environment gives them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from midi_ingest.settings import Settings, SettingsError, load, variables
from workers.music.names import Sound

EXAMPLE = Path(__file__).parents[3] / ".env.example"

DEFAULTS = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "MIDI_INGEST_TOPIC_PREFIX": "midi.",
    "MIDI_INGEST_PARTITIONS": 6,
    "MIDI_INGEST_MAX_BODY_BYTES": 8 * 1024 * 1024,
    "MIDI_INGEST_HOST": "127.0.0.1",
    "MIDI_INGEST_PORT": 8080,
    "MIDI_INGEST_PATH": "/suno-midi-callback",
    "MIDI_INGEST_STORE": "./data/store",
    "MIDI_INGEST_RENDERER": "fast",
    "MIDI_INGEST_INSTRUMENT_ALIASES": (),
    "MIDI_INGEST_DEDUP_WINDOW_DAYS": 30,
    "MIDI_INGEST_RETRY_DELAYS": ("5s", "1m", "10m"),
}
"""Where others rely on a default: README.md and docs/."""


@pytest.mark.parametrize("variable", DEFAULTS)
def test_without_an_environment_the_defaults_are_those_that_others_rely_on(variable: str) -> None:
    assert getattr(load(), variables()[variable]) == DEFAULTS[variable]


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka1:9092,kafka2:9093", "kafka1:9092,kafka2:9093"),
        ("KAFKA_BOOTSTRAP_SERVERS", "[::1]:9092", "[::1]:9092"),
        ("MIDI_INGEST_TOPIC_PREFIX", "", ""),
        ("MIDI_INGEST_PORT", "0", 0),
        ("MIDI_INGEST_PATH", "/", "/"),
        ("MIDI_INGEST_PUBLISH_TIMEOUT_SECONDS", "0.5", 0.5),
        ("MIDI_INGEST_RETRY_DELAYS", "1s,2m", ("1s", "2m")),
        ("MIDI_INGEST_INSTRUMENT_ALIASES", "", ()),
        ("MIDI_INGEST_INSTRUMENT_ALIASES", "Fiddle=Violin", (("Fiddle", Sound(40)),)),
        ("MIDI_INGEST_HEALTH_PORT", "8081", 8081),
        ("MIDI_INGEST_STATE_DIR", " ", None),
        ("MIDI_INGEST_DATA_DIR", "/var/lib/midi-ingest", Path("/var/lib/midi-ingest")),
    ],
)
def test_a_variable_sets_its_setting(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(load(), variables()[variable]) == value


WRONG = [
    ("KAFKA_BOOTSTRAP_SERVERS", "swordfish"),
    ("KAFKA_BOOTSTRAP_SERVERS", "good:9092,swordfish"),
    ("KAFKA_BOOTSTRAP_SERVERS", "swordfish:"),
    ("KAFKA_BOOTSTRAP_SERVERS", ":9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", ""),
    ("KAFKA_BOOTSTRAP_SERVERS", "swordfish:0"),
    ("KAFKA_BOOTSTRAP_SERVERS", "good:9092,swordfish:65536"),
    ("MIDI_INGEST_TOPIC_PREFIX", "sword fish"),
    ("MIDI_INGEST_PARTITIONS", "swordfish"),
    ("MIDI_INGEST_PARTITIONS", "0"),
    ("MIDI_INGEST_PARTITIONS", ""),
    ("MIDI_INGEST_PARTITIONS", "6.5"),
    ("MIDI_INGEST_MAX_BODY_BYTES", "1023"),
    ("MIDI_INGEST_PORT", "65536"),
    ("MIDI_INGEST_PATH", "swordfish"),
    ("MIDI_INGEST_PATH", "/swordfish?x=1"),
    ("MIDI_INGEST_PATH", "/healthz"),
    ("MIDI_INGEST_PATH", "/metrics"),
    ("MIDI_INGEST_PUBLISH_TIMEOUT_SECONDS", "0"),
    ("MIDI_INGEST_PUBLISH_TIMEOUT_SECONDS", "5"),
    ("MIDI_INGEST_PUBLISH_TIMEOUT_SECONDS", "nan"),
    ("MIDI_INGEST_BODY_TIMEOUT_SECONDS", "inf"),
    ("MIDI_INGEST_STORE", "s3://key:swordfish@bucket"),
    ("MIDI_INGEST_RENDERER", "swordfish"),
    ("MIDI_INGEST_DEDUP_WINDOW_DAYS", "0"),
    ("MIDI_INGEST_RETRY_DELAYS", "5s,swordfish"),
    ("MIDI_INGEST_RETRY_DELAYS", "5s,5s"),
    ("MIDI_INGEST_LOG_LEVEL", "swordfish"),
    ("MIDI_INGEST_LOG_FORMAT", "swordfish"),
    ("MIDI_INGEST_HEALTH_PORT", "-1"),
]


@pytest.mark.parametrize(("variable", "text"), WRONG)
def test_a_wrong_value_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError, match=rf"^{variable}: .+\.$") as refused:
        load()
    assert "swordfish" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("MIDI_INGEST_PATH", "foo", "expected a path such as /suno-midi-callback: first a slash, then only "),
        ("MIDI_INGEST_ORIGIN", "urltoken", "'urltoken' is no verifier. Did you mean url-token? Expected "),
        (
            "MIDI_INGEST_INSTRUMENT_ALIASES",
            "Fiddle=violine",
            "the alias 'Fiddle' means 'violine', which is no known ",
        ),
        (
            "MIDI_INGEST_INSTRUMENT_ALIASES",
            "A=1,a=2",
            "the aliases 'A' and 'a' are compared alike, but mean two ",
        ),
        ("MIDI_INGEST_VENDOR", "suno", "expected auto, acedata.cloud, kie.ai, sunoapi.org."),
    ],
)
def test_what_is_expected_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError) as refused:
        load()
    assert str(refused.value).startswith(f"{variable}: {told}")


def test_every_wrong_value_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDI_INGEST_PORT", "x")
    monkeypatch.setenv("MIDI_INGEST_RENDERER", "x")
    with pytest.raises(SettingsError) as refused:
        load()
    assert {line.partition(":")[0] for line in str(refused.value).splitlines()} == {
        "MIDI_INGEST_PORT",
        "MIDI_INGEST_RENDERER",
    }


@pytest.mark.parametrize(
    "variable", [name for name, field in variables().items() if Settings.model_fields[field].default is None]
)
@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_setting_that_may_be_unset_is_unset(
    monkeypatch: pytest.MonkeyPatch, variable: str, blank: str
) -> None:
    monkeypatch.setenv(variable, blank)
    assert getattr(load(), variables()[variable]) is None


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MIDI_INGEST_PROT", "MIDI_INGEST_PORT"),
        ("MIDI_INGEST_PARTITION", "MIDI_INGEST_PARTITIONS"),
        ("MIDI_INGEST_RETRY_DELAY", "MIDI_INGEST_RETRY_DELAYS"),
        ("MIDI_INGEST_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_SECURTY_PROTOCOL", "KAFKA_SECURITY_PROTOCOL"),
        ("KAFKA_SASL_MECHANISMS", "KAFKA_SASL_MECHANISM"),
        ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CA_FILE"),
        ("MIDI_INGEST_port", "MIDI_INGEST_PORT"),
        ("midi_ingest_port", "MIDI_INGEST_PORT"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_may_be_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "swordfish")
    with pytest.raises(SettingsError, match=rf"^{name} is not .* Did you mean {meant}\?$") as refused:
        load()
    assert "swordfish" not in str(refused.value)


def test_an_unknown_variable_like_no_other_points_to_those_that_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIDI_INGEST_XYZZY_PLUGH_QUUX", "1")
    with pytest.raises(SettingsError, match=r"MIDI_INGEST_XYZZY_PLUGH_QUUX .* \.env\.example"):
        load()


@pytest.mark.parametrize(
    "name",
    [
        *(
            "MIDI_INGEST_TEST_KAFKA",
            "MIDI_INGEST_TEST_",
            "midi_ingest_test_x",
            "MIDI",
            "PORT",
            "KAFKA_HEAP_OPTS",
        ),
        *("KAFKA_SASL_ENABLED_MECHANISMS", "KAFKA_SSL_KEY_PASSWORD", "KAFKA_SSL_KEYSTORE_FILENAME"),
        *("KAFKA_SASL_MECHANISM_INTER_BROKER_PROTOCOL", "KAFKA_SECURITY_INTER_BROKER_PROTOCOL"),
    ],
)
def test_variables_for_tests_and_those_of_others_are_ignored(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "swordfish")
    assert load() == Settings()
    assert "swordfish" not in str(load())


def test_settings_do_not_change_once_they_are_loaded() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]  # that is the point


def documented() -> dict[str, str]:
    """The variables in `.env.example`, with the values that are commented out there."""
    return dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def test_the_example_documents_every_setting_once_and_no_other() -> None:
    assert sorted(documented()) == sorted(variables())
    assert EXAMPLE.read_text().count("\n#KAFKA_") + EXAMPLE.read_text().count("\n#MIDI_") == len(variables())


def test_nothing_in_the_example_is_set() -> None:
    assert [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")] == []


def test_the_example_says_in_words_what_each_setting_is() -> None:
    for variable in variables():
        lines = EXAMPLE.read_text().partition(f"\n#{variable}=")[0].rpartition("\n\n")[2].splitlines()
        assert lines, variable
        assert all(line.startswith("# ") for line in lines), variable
        assert lines[-1].endswith("."), variable


def test_the_example_has_the_real_defaults_and_says_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, field in variables().items():
        default = Settings.model_fields[field].default
        monkeypatch.setenv(variable, documented()[variable])
        set_to = getattr(load(), field)
        says_none = f"Unset by default: there is none then.\n#{variable}=" in EXAMPLE.read_text()
        assert says_none == (default is None), variable
        assert set_to == default or default is None, variable


def test_all_of_the_example_can_be_set_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in documented().items():
        monkeypatch.setenv(variable, text)
    assert load() == Settings(health_port=8101)

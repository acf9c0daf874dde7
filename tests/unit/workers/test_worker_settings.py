"""The workers' own settings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from workers.music.names import DRUMS, Sound
from workers.settings import WorkerSettings, delay_seconds


@pytest.mark.parametrize(
    ("delay", "seconds"), [("1s", 1), ("5s", 5), ("90s", 90), ("1m", 60), ("10m", 600), ("2h", 7200)]
)
def test_a_delay_is_a_number_and_a_unit(delay: str, seconds: int) -> None:
    assert delay_seconds(delay) == seconds


WRONG_DELAYS = [
    "",
    "5",
    "s",
    "0s",
    "05s",
    "-5s",
    "5S",
    "5d",
    "1.5s",
    "5 s",
    " 5s",
    "5s\n",
    "٥s",
    "now",
    "123456s",
    60,
]


@pytest.mark.parametrize("delay", WRONG_DELAYS)
def test_another_delay_is_refused(delay: str) -> None:
    with pytest.raises(ValueError, match="5s, 1m or 2h"):
        delay_seconds(delay)


def test_the_defaults_are_those_of_the_design() -> None:
    settings = WorkerSettings()
    assert settings.retry_delays == ("5s", "1m", "10m")
    assert settings.dedup_window == timedelta(days=30)
    assert settings.store == "./data/store"
    assert settings.renderer == "fast"


@pytest.mark.parametrize(
    ("text", "delays"),
    [
        ("7s", ("7s",)),
        ("1s,2s", ("1s", "2s")),
        (" 1s , 2m ,", ("1s", "2m")),
        ("", ()),
        ("60s,1m", ("60s", "1m")),
    ],
)
def test_delays_are_separated_by_commas(text: str, delays: tuple[str, ...]) -> None:
    assert WorkerSettings.model_validate({"retry_delays": text}).retry_delays == delays


@pytest.mark.parametrize("text", ["5s,soon", "5s;1m", "1m,5s,1m", "now"])
def test_a_wrong_or_repeated_delay_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="retry_delays"):
        WorkerSettings.model_validate({"retry_delays": text})


@pytest.mark.parametrize(
    "store", ["./data/store", "/srv/my songs", "s3://bucket/songs", "gs://bucket", "az://container/a/b/"]
)
def test_the_store_is_a_directory_or_a_place_in_an_object_store(store: str) -> None:
    assert WorkerSettings(store=store).store == store


@pytest.mark.parametrize("store", ["file:///songs", "s3a://bucket", "https://bucket.s3.amazonaws.com/songs"])
def test_another_url_is_refused_rather_than_taken_for_a_folder(store: str) -> None:
    with pytest.raises(ValidationError, match="expected a directory, s3://bucket/prefix"):
        WorkerSettings(store=store)


def test_an_object_store_has_half_of_the_time_that_a_call_has() -> None:
    assert WorkerSettings(call_deadline_seconds=20).store_deadline_seconds == 10


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_window_outside_its_limits_is_refused(days: int) -> None:
    with pytest.raises(ValidationError, match="dedup_window_days"):
        WorkerSettings(dedup_window_days=days)


def test_a_users_aliases_are_known_by_the_settings_and_made_once() -> None:
    settings = WorkerSettings.model_validate({"instrument_aliases": "Fiddle=Violin, Beatbox=drums"})
    assert settings.instrument_aliases == (("Fiddle", Sound(40)), ("Beatbox", DRUMS))
    names = settings.instrument_names
    assert [names.sound(name) for name in ("Fiddle", "Beatbox 1", "Viola")] == [Sound(40), DRUMS, Sound(41)]
    assert settings.instrument_names is names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Fiddle", "'Fiddle' is no alias"),
        (
            "Fiddle=Violine",
            "the alias 'Fiddle' means 'Violine', which is no known name. Did you mean Violin?",
        ),
        ("Fiddle=128", "the alias 'Fiddle' has program 128: programs are 0 to 127"),
        ("Fiddle=40,FIDDLE=41", "the aliases 'Fiddle' and 'FIDDLE' are compared alike, but mean two sounds"),
    ],
)
def test_a_wrong_alias_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkerSettings.model_validate({"instrument_aliases": text})
    assert told in str(refused.value)

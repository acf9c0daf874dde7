"""All settings, in one place: read from the environment, checked before anything starts.

Each room declares its own beside its code; here they become one. `.env.example` documents them for people.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from broker import security
from broker.security import SecurityError
from ingest.http import tls
from ingest.http.tls import TlsError
from ingest.origin.guard import Guard, refuse_exposure
from ingest.origin.keyring import OriginError
from ingest.settings import IngressSettings
from workers.files.files import files_of
from workers.runtime.exceptions import Unavailable
from workers.settings import WorkerSettings

PREFIX: Final = "MIDI_INGEST_"
TEST_PREFIX: Final = "MIDI_INGEST_TEST_"
_KAFKA: Final = "KAFKA_BOOTSTRAP"
_NEARLY: Final = 0.9
"""How like one of ours a variable of Kafka's must be called to be it, misspelt: brokers have many of their own."""


class SettingsError(ValueError):
    """An environment variable is wrong or unknown; the message names it and says what is expected."""


class Settings(IngressSettings, WorkerSettings, BaseSettings):
    """Every setting of midi-ingest."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, populate_by_name=True, extra="ignore")

    data_dir: Path = Field(
        default=Path("./data"),
        description="Where `midi-ingest up` keeps Kafka's data, the logs and, unless set otherwise, the spool.",
    )

    @property
    def local_spool_dir(self) -> Path:
        """The spool's directory in `midi-ingest up`, which has one always."""
        return self.spool_dir or self.data_dir / "spool"

    @property
    def local_state_dir(self) -> Path:
        """The workers' directory of state in `midi-ingest up`, which has one always."""
        return self.state_dir or self.data_dir / "state"


def load() -> Settings:
    """The settings in the environment.

    Raises:
        SettingsError: a variable is wrong, or its name is unknown.
    """
    if unknown := sorted(_unknown(os.environ)):
        raise SettingsError("\n".join(unknown))
    try:
        settings = Settings()
        security.require(settings)
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(error))) from None
    except SecurityError as error:
        raise SettingsError(str(error)) from None
    return settings


def guard_of(settings: Settings) -> Guard:
    """What verifies the origin of callbacks, by the settings and with the secrets as they are now.

    Raises:
        SettingsError: they do not fit together, or anybody could post and nobody said that this is meant.
    """
    try:
        refuse_exposure(settings, settings.host)
        return Guard(settings)
    except OriginError as error:
        raise SettingsError(str(error)) from None


def require_tls(settings: Settings) -> None:
    """Make sure that the files of TLS can be used, where any are set.

    Raises:
        SettingsError: they cannot.
    """
    try:
        tls.context(settings)
    except TlsError as error:
        raise SettingsError(str(error)) from None


def require_files(settings: Settings) -> None:
    """Make sure that the place of the worker `store` can be used as it is set up; nothing is sent there yet.

    Raises:
        SettingsError: it cannot.
    """
    try:
        files_of(settings)
    except Unavailable as error:
        raise SettingsError(str(error)) from None


def variables() -> dict[str, str]:
    """Each setting's field, by the name of its environment variable."""
    return {_variable(field): field for field in Settings.model_fields}


def _variable(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def _unknown(names: Iterable[str]) -> Iterable[str]:
    known = {name.removeprefix(PREFIX): name for name in variables()}
    for name in names:
        shouted = name.upper()  # pydantic-settings would take a name in lower case, too
        if shouted.startswith(PREFIX) and not shouted.startswith(TEST_PREFIX) and name not in known.values():
            near = difflib.get_close_matches(shouted.removeprefix(PREFIX), known, n=1)
            hint = f"Did you mean {known[near[0]]}?" if near else "See .env.example for those that exist."
            yield f"{name} is not a setting of midi-ingest. {hint}"
        if shouted.startswith(_KAFKA) and name != f"{_KAFKA}_SERVERS":
            yield f"{name} is not a setting of midi-ingest. Did you mean {_KAFKA}_SERVERS?"
        if name not in security.VARIABLES and shouted.startswith("KAFKA_S"):
            for meant in difflib.get_close_matches(shouted, security.VARIABLES, n=1, cutoff=_NEARLY):
                yield f"{name} is not a setting of midi-ingest. Did you mean {meant}?"


def _explained(error: ValidationError) -> Iterable[str]:
    """What is wrong, without the values: one of them may be a secret."""
    for problem in error.errors(include_url=False, include_input=False):
        field = str(problem["loc"][0])
        name = field if field == field.upper() else _variable(field)
        yield f"{name}: {problem['msg'].removeprefix('Value error, ')}."

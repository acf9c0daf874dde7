"""Secrets: given in a variable, or in a file that is read again when it changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, SecretStr

from telemetry.settings import OptionalPath, UnreadableFile, blank_is_unset, text_in

_SEPARATORS: Final = re.compile(r"[,\s]+")


class OriginError(ValueError):
    """Settings of the origin do not fit together, or a secret cannot be used; the message names the variable."""


SecretText = Annotated[SecretStr | None, BeforeValidator(blank_is_unset)]
"""A setting with secrets. What is wrong with them is told by whoever uses them: pydantic would quote them."""

SecretFile = OptionalPath
"""The path of a file with secrets; its setting is named like that of the secrets, with `_file` at its end."""


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"MIDI_INGEST_{field.upper()}"


def sources(settings: BaseModel, field: str) -> list[str]:
    """Which variables give the secrets of ``field``: it, its file, both or none."""
    return [variable(name) for name in (field, f"{field}_file") if getattr(settings, name) is not None]


def file_variable(settings: BaseModel, field: str) -> str | None:
    """The variable that names the file with the secrets of ``field``; None where they are in no file."""
    name = f"{field}_file"
    return variable(name) if getattr(settings, name) is not None else None


def read(settings: BaseModel, field: str) -> tuple[str, ...]:
    """The secrets of ``field``; those in a file are as the file has them now.

    In a variable commas and white space separate them. In a file each has a line of its own, and a line that
    begins with ``#`` is a comment.

    Raises:
        OriginError: there is none; they are given twice; the file cannot be read; a line of it has white space
            within, which may belong to a secret or part two.
    """
    given = sources(settings, field)
    if not given:
        raise OriginError(
            f"{variable(field)}: MIDI_INGEST_ORIGIN chooses what needs it, so set this or {variable(field)}_FILE."
        )
    if len(given) > 1:
        raise OriginError(f"{given[0]}: {given[1]} is set, too; keep one of them.")
    path: Path | None = getattr(settings, f"{field}_file")
    if path is not None:
        return _in_file(path, given[0])
    text: SecretStr = getattr(settings, field)
    return _each(_SEPARATORS.split(text.get_secret_value()), given[0])


def _in_file(path: Path, source: str) -> tuple[str, ...]:
    try:
        lines = text_in(path, source).split("\n")
    except UnreadableFile as error:
        raise OriginError(str(error)) from None
    stripped = [line.strip() for line in lines]
    for number, line in enumerate(stripped, start=1):
        if not line.startswith("#") and len(line.split()) > 1:
            raise OriginError(
                f"{source}: {path} has white space within line {number}. Each secret stands on a line of its own, "
                "and none may have white space in it."
            )
    return _each([line for line in stripped if not line.startswith("#")], f"{source}: {path}")


def _each(words: list[str], source: str) -> tuple[str, ...]:
    secrets = tuple(dict.fromkeys(word for word in words if word))
    if not secrets:
        raise OriginError(f"{source}: there is no secret in it.")
    return secrets

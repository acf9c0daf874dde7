"""A file with the credentials of an object store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from telemetry.settings import UnreadableFile, text_in
from workers.runtime.exceptions import Unavailable

PREFIXES: Final = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
"""How the variables of each kind of object store begin."""


_VARIABLE: Final = "MIDI_INGEST_STORE_SECRETS_FILE"


def read_secrets(path: Path, scheme: str) -> dict[str, str]:
    """The variables in a file: on each line a name, `=` and its value, as it is.

    Lines that begin with ``#``, and blank ones, say nothing.

    Raises:
        Unavailable: the file cannot be read, or a line of it is something else. No value is quoted.
    """
    try:
        lines = text_in(path, _VARIABLE).splitlines()
    except UnreadableFile as error:
        raise Unavailable(str(error)) from None
    variables: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        found = re.fullmatch(rf"({PREFIXES[scheme]}[A-Z0-9_]+)\s*=\s*(\S.*)", line)
        if found is None or found[2][0] in "\"'":
            raise Unavailable(
                f"{_VARIABLE}: {path} has something else in line {number}. "
                f"Expected {PREFIXES[scheme]}…=value, without quotes and without export."
            )
        variables[found[1]] = found[2]
    return variables

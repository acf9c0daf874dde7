"""Writes the JSON Schema files in `schemas/json` from the typed messages: `make schemas`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Final

import msgspec
import orjson

from schemas.dead_letter import DeadLetterStatus
from schemas.message import Message
from schemas.outcome import Outcome
from schemas.score import Score

FOLDER: Final = Path(__file__).parent / "json"
JSON_MESSAGES: Final[tuple[type[Message], ...]] = (Score, Outcome, DeadLetterStatus)
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def files() -> dict[Path, bytes]:
    """Each schema file with what has to be in it."""
    return {FOLDER / f"{message.topic.name}.schema.json": _schema(message) for message in JSON_MESSAGES}


def _schema(message: type[Message]) -> bytes:
    generated = msgspec.json.schema(message)
    for definition in generated["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    schema = {
        "$schema": _DRAFT,
        "title": message.kind,
        "x-kafka-topic": message.topic.name,
        "x-midi-schema": message.version,
        **generated,
    }
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, content in files().items():
        path.write_bytes(content)

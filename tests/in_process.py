"""The command `midi-ingest` in this process: a process of its own for each call would take most of a test's time."""

from __future__ import annotations

import asyncio
import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest
from pydantic import SecretStr

from broker import security
from midi_ingest import cli
from midi_ingest.settings import Settings


@contextmanager
def _pointed_at(settings: Settings, arguments: tuple[str, ...]) -> Iterator[None]:
    """Arguments and settings for a command in this process; the logging of the tests stays as it is."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # Cyclopts warns where it reads sys.argv under pytest, since that is mostly a mistake. Here it is the point.
        warnings.filterwarnings("ignore", message="Cyclopts application invoked without tokens")
        patch.setattr(sys, "argv", ["midi-ingest", *arguments])
        patch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers)
        patch.setenv("MIDI_INGEST_TOPIC_PREFIX", settings.topic_prefix)
        patch.setenv("MIDI_INGEST_PARTITIONS", str(settings.partitions))
        for variable, field in security.VARIABLES.items():
            patch.setenv(variable, _plain(getattr(settings, field)))
        patch.setattr("telemetry.logs.configure", lambda *_: None)
        yield


async def command(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run `midi-ingest`; its exit code, standard output and standard error."""
    code, output, errors = await asyncio.to_thread(_run, settings, arguments)
    return code, output.decode(), errors


async def output_of(settings: Settings, *arguments: str) -> bytes:
    """What a command that succeeds writes to standard output, byte for byte."""
    code, output, errors = await asyncio.to_thread(_run, settings, arguments)
    assert (code, errors) == (0, "")
    return output


def _run(settings: Settings, arguments: tuple[str, ...]) -> tuple[int, bytes, str]:
    output, errors = io.BytesIO(), io.StringIO()
    with (
        _pointed_at(settings, arguments),
        redirect_stdout(io.TextIOWrapper(output, encoding="utf-8", write_through=True)),
        redirect_stderr(errors),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
            assert isinstance(code, int)
            return code, output.getvalue(), errors.getvalue()
    raise AssertionError("The command did not exit.")


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")

"""`midi-ingest up`: all of it on this machine, each part a process of its own, as in production."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Final

from aiokafka.errors import KafkaError
from cyclopts import Parameter
from cyclopts.validators import Number

from broker import security
from broker import topics as broker_topics
from broker.embedded import BrokerError, EmbeddedKafka
from broker.embedded.ports import free_port, is_free, require_free
from broker.topics import TopicsError
from midi_ingest.cli import USAGE, fail
from midi_ingest.commands.topics import wanted
from midi_ingest.parts import Deaths, Part, PartError, until_signalled
from midi_ingest.settings import (
    Settings,
    SettingsError,
    guard_of,
    load,
    require_files,
    require_tls,
    variables,
)
from midi_ingest.terminal import short
from midi_ingest.urls import base_url, callback_url
from telemetry import logs
from workers.catalogue import BUILT_IN
from workers.files.place import bucket_in
from workers.runtime.trouble import first_of

SEND_NEEDS: Final = {"kafka_bootstrap_servers", "host", "port", "path", "topic_prefix", "partitions"}


def up(*, kafka_port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 9092) -> int:
    """Run Kafka, the ingress and all workers on this machine until Ctrl-C; what dies is started again.

    It always runs a Kafka of its own, with its data below MIDI_INGEST_DATA_DIR.

    Args:
        kafka_port: the port of that Kafka on 127.0.0.1.
    """
    try:
        settings = load()
        guard_of(settings)  # so that it is said here, and not in the ingress' log
        require_tls(settings)
        require_files(settings)
    except SettingsError as error:
        return fail(str(error), USAGE)
    logs.configure(settings, "up")
    code = 0
    try:
        asyncio.run(until_signalled(_up(settings, kafka_port)))
    except* (BrokerError, PartError, TopicsError, KafkaError, OSError) as errors:
        code = fail(str(first_of(errors)))
    else:
        print("Stopped.")
    return code


async def _up(settings: Settings, kafka_port: int) -> None:
    for port, option in ((settings.port, "MIDI_INGEST_PORT"), (kafka_port, "--kafka-port")):
        if port and not is_free(port):
            _refuse(port, option)
    if settings.kafka_security_protocol != "PLAINTEXT":
        _say(
            "KAFKA_SECURITY_PROTOCOL and what belongs to it are for a Kafka elsewhere, and not used here: this one is "
            "PLAINTEXT, on loopback. Unset them where you run commands for it."
        )
    data = settings.data_dir.absolute()
    _say(f"Starting Kafka on 127.0.0.1:{kafka_port} …")
    started = time.monotonic()
    async with EmbeddedKafka(data / "kafka", kafka_port) as kafka, asyncio.TaskGroup() as group:
        _say(f"Kafka answers after {time.monotonic() - started:.1f} s. Starting the other parts …")
        here = settings.model_copy(
            update={
                "kafka_bootstrap_servers": kafka.bootstrap_servers,
                "kafka_security_protocol": "PLAINTEXT",
                "port": settings.port or free_port(),
                "spool_dir": settings.local_spool_dir.absolute(),
                "state_dir": settings.local_state_dir.absolute(),
            }
        )
        await broker_topics.apply(here, wanted(here))
        parts = _parts(here, data / "logs")
        for part in parts:
            group.create_task(part.run())
        group.create_task(_keep(kafka))
        await asyncio.gather(*(part.ready() for part in parts))
        _say(_summary(here, parts, kafka))


def _refuse(port: int, option: str) -> None:
    try:
        require_free(port)
    except BrokerError as error:
        raise PartError(f"{error} with {option}") from error


async def _keep(kafka: EmbeddedKafka) -> None:
    """Start Kafka again when it dies."""
    deaths = Deaths("kafka")
    while True:
        error = await kafka.ended()
        deaths.count(f"died ({str(error).partition('.')[0]})", error.__str__)
        await kafka.stop()
        await kafka.start()


def _parts(settings: Settings, logs_dir: Path) -> list[Part]:
    """The ingress and each worker; the workers answer health checks on the ports after the ingress' own."""
    logs_dir.mkdir(parents=True, exist_ok=True)
    env = {
        **dict.fromkeys(security.VARIABLES, ""),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_PORT": str(settings.port),
        "MIDI_INGEST_HEALTH_HOST": "127.0.0.1",
        "MIDI_INGEST_SPOOL_DIR": str(settings.local_spool_dir.absolute()),
        "MIDI_INGEST_STATE_DIR": str(settings.local_state_dir.absolute()),
    }
    parts = [Part("ingest", ["ingest"], env, logs_dir / "ingest.log", base_url(settings))]
    port = settings.port
    for name in BUILT_IN:
        port = next(candidate for candidate in range(port + 1, 65536) if is_free(candidate))
        own = env | {"MIDI_INGEST_HEALTH_PORT": str(port)}
        parts.append(Part(name, ["worker", name], own, logs_dir / f"{name}.log", f"http://127.0.0.1:{port}"))
    return parts


def _summary(settings: Settings, parts: list[Part], kafka: EmbeddedKafka) -> str:
    width = max(len(part.name) for part in parts)
    rows = [f"  {p.name:{width}}  {p.health_url}/readyz  {short(p.log_file)}" for p in parts]
    return f"""
Everything is running. Ctrl-C stops it.

  callbacks  POST {callback_url(settings)}
  songs      {_songs(settings)}
  spool      {short(settings.local_spool_dir.absolute())}, for callbacks that come while Kafka is away
  Kafka      {kafka.bootstrap_servers}, topics {settings.topic_prefix}*, log {short(kafka.log_file)}

{chr(10).join(rows)}

Try it, in another terminal{_origin(settings)}:

  {_other_settings(settings)}{_command()} send --wait
"""


def _songs(settings: Settings) -> str:
    """Where songs are: a directory, or a place in an object store."""
    bucket = bucket_in(settings.store)
    return bucket.url() if bucket else short(Path(settings.store).absolute())


def _origin(settings: Settings) -> str:
    """What `send` needs there to prove its origin; not shown, since it is secret."""
    return " where MIDI_INGEST_ORIGIN and its secrets are set as here" if settings.origin else ""


def _other_settings(settings: Settings) -> str:
    """The settings that `send` needs in another terminal, where they are not the defaults."""
    names = {variable: field for variable, field in variables().items() if field in SEND_NEEDS}
    values = {name: getattr(settings, field) for name, field in names.items()}
    defaults = {name: Settings.model_fields[field].default for name, field in names.items()}
    return "".join(f"{name}={value} " for name, value in values.items() if value != defaults[name])


def _command() -> str:
    """The command as one would type it here."""
    return short(Path(sys.argv[0]).absolute()) if Path(sys.argv[0]).name == "midi-ingest" else "midi-ingest"


def _say(text: str) -> None:
    print(text, flush=True)

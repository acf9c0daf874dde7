"""Structured logs on standard error: for people on a terminal, JSON lines everywhere else."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from telemetry.settings import TelemetrySettings


def configure(settings: TelemetrySettings, component: str, *, process: int | None = None) -> None:
    """Send this process's logs, also those of the libraries, to standard error as one stream.

    Every line carries ``component``, the part of the system that this process is, and ``process``, its number
    where there are several of it.
    """
    steps: list[Processor] = [
        _from(component, process),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    level = settings.log_level.upper()
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # aiokafka logs each step of joining a group as info and each reconnect as an error: we log what follows. As
    # debug it logs each request, with what is in the records.
    logging.getLogger("aiokafka").setLevel("INFO" if level == "DEBUG" else "CRITICAL")
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def logger() -> FilteringBoundLogger:
    """This process's logger."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


def _from(component: str, process: int | None) -> Processor:
    """Writes into each line whose it is, whatever thread it comes from."""
    whose: dict[str, object] = {"component": component}
    if process is not None:
        whose["process"] = process

    def write(_: object, __: str, line: EventDict) -> EventDict:
        return {**whose, **line}

    return write


def _rendering(settings: TelemetrySettings) -> list[Processor]:
    for_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    if for_people:
        # Its own traces of errors would show local variables, and with them bodies and secrets.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        return [structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]

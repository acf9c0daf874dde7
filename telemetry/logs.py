"""Structured logs on standard error: for people on a terminal, JSON lines everywhere else."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from telemetry.settings import TelemetrySettings


def configure(settings: TelemetrySettings, component: str) -> None:
    """Send this process's logs, also those of the libraries, to standard error as one stream.

    Every line carries ``component``, the part of the system that this process is.
    """
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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
    structlog.contextvars.bind_contextvars(component=component)


def logger() -> FilteringBoundLogger:
    """This process's logger."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


def _rendering(settings: TelemetrySettings) -> list[Processor]:
    for_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    if for_people:
        # Its own traces of errors would show local variables, and with them bodies and secrets.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(pad_event_to=0, exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]

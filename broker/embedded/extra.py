"""The packages of the extra ``local``, imported when they are used: most people have a Kafka elsewhere."""

from __future__ import annotations

import importlib
from typing import Any

from broker.embedded.errors import BrokerError


def local_extra(module: str) -> Any:
    """The module of that name.

    Raises:
        BrokerError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise BrokerError(
            f"the embedded Kafka needs the package {error.name}: pip install 'midi-ingest[local]'"
        ) from error

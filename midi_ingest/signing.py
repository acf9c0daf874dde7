"""Callbacks as a sender would sign them for the ingress that the settings describe."""

from __future__ import annotations

import time

from ingest.origin import keyring
from ingest.origin.guard import Guard
from ingest.origin.registry import VERIFIERS
from ingest.origin.verifier import Outgoing
from midi_ingest.settings import Settings


class Signer:
    """Signs with the first key of each verifier in the first alternative of `MIDI_INGEST_ORIGIN`.

    Raises:
        OriginError: the keys cannot be read or used.
    """

    def __init__(self, settings: Settings) -> None:
        Guard(settings)  # it says what is wrong with them
        self._settings = settings
        first = settings.origin[0] if settings.origin else ()
        kinds = [VERIFIERS[name] for name in first]
        self._signs = [(kind.sign, keyring.read(settings, kind.secrets)[0]) for kind in kinds if kind.sign]

    def headers(self, task_id: str, body: bytes) -> dict[str, str]:
        """What proves the origin of a callback that is posted now; nothing where nothing is to be signed."""
        callback = Outgoing(task_id, body, int(time.time()))
        signed: dict[str, str] = {}
        for sign, key in self._signs:
            signed |= sign(self._settings, key, callback)
        return signed

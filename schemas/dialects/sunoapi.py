"""Callbacks as sunoapi.org sends them: a task id and a code at the top, the song in ``data``.

Source: the sender's page "MIDI Generation Callbacks".
"""

from __future__ import annotations

from typing import Final

from schemas.dialects.dialect import Dialect, code_is_200

SUNOAPI: Final = Dialect(
    name="sunoapi.org",
    recognises=lambda shape: shape.id_at_top,
    succeeds=code_is_200,
    success="`code` 200",
)

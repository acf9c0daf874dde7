"""Callbacks as acedata.cloud sends them: ``success`` instead of a code, and the song alone in an array.

A failure may tell why in ``error.message``. Source: the sender's page "Suno MIDI".
"""

from __future__ import annotations

from typing import Final

from schemas.dialects.dialect import Dialect

ACEDATA: Final = Dialect(
    name="acedata.cloud",
    recognises=lambda shape: shape.data_is_array or (shape.has_success and not shape.has_code),
    succeeds=lambda verdict: verdict.success is True,
    success="`success` true",
    data_may_be_array=True,
)

"""Callbacks as kie.ai sends them: like sunoapi.org's, but the task id is in ``data``, alone there on failure.

Source: the sender's page "MIDI Generation Callbacks".
"""

from __future__ import annotations

from typing import Final

from schemas.dialects.dialect import Dialect, code_is_200

KIE: Final = Dialect(
    name="kie.ai",
    recognises=lambda shape: not shape.id_at_top,
    succeeds=code_is_200,
    success="`code` 200",
)

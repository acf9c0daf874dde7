"""How each sender shapes its callbacks, one file a dialect; and the reading that is common to all.

`read_envelope` is what the ingress needs: whose callback it is. `read_callback` is what it says, and `find_song`
where its music is.
"""

from __future__ import annotations

from schemas.dialects.depth import MAX_DEPTH
from schemas.dialects.envelope import Envelope, read_envelope
from schemas.dialects.errors import NotACallback, NotJson
from schemas.dialects.meaning import Meaning, Reading, read_callback
from schemas.dialects.registry import AUTO, DIALECTS
from schemas.dialects.song import find_song

__all__ = [
    "AUTO",
    "DIALECTS",
    "MAX_DEPTH",
    "Envelope",
    "Meaning",
    "NotACallback",
    "NotJson",
    "Reading",
    "find_song",
    "read_callback",
    "read_envelope",
]

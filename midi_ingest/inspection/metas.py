"""Meta events that mido misreads or refuses, though the notes beside them are sound.

mido 1.3 loses the gap before an event of a kind that it does not know, so that all that follows comes too early; and it
refuses a whole file for a key that does not exist, or for a place on a film that does not. Nothing of them is shown, so
here mido learns to keep their bytes as they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from mido.midifiles.meta import MetaSpec, UnknownMetaMessage, add_meta_spec, build_meta_message

_SMPTE_OFFSET: Final = 0x54
_KEY_SIGNATURE: Final = 0x59


class _AsItIs(MetaSpec):  # type: ignore[misc]  # mido has no types
    attributes = ("data",)
    defaults = ((),)

    def decode(self, message: Any, data: list[int]) -> None:
        message.data = tuple(data)


@cache
def keep_as_they_are() -> None:
    """Have mido keep the bytes of such events; this holds for the process."""
    for kind in range(256):
        if kind in {_SMPTE_OFFSET, _KEY_SIGNATURE} or _is_unknown(kind):
            add_meta_spec(type(f"MetaSpec_as_it_is_{kind:02x}", (_AsItIs,), {"type_byte": kind}))


def _is_unknown(kind: int) -> bool:
    return isinstance(build_meta_message(kind, bytes(5)), UnknownMetaMessage)

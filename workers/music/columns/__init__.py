"""The music of a long song: the rules and the bytes of the files beside this package, on columns of notes (numpy).

`received` has a song's columns, `drops`, `ticks` and `overlaps` are the rules, `song` calls one after the other,
`notes` are what a score then has, and `events` writes them. Nothing imports them before there is a long song: a
process without one does without numpy.
"""

from __future__ import annotations

from typing import Final

_KEPT_BYTES: Final = 8 * 1024 * 1024
"""The largest body by default, which would have the same effect."""

# glibc gives freed memory back to the system at once, and each page costs a microsecond when it is taken again; but
# not where a block as large was freed before. Of a song with 10,000 notes, that is a third of the time.
bytearray(_KEPT_BYTES)

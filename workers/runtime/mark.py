"""How often the records behind a committed offset have killed their process: what stands beside that offset in Kafka.

A process that dies (out of memory, a crash in native code, a call beyond its deadline) can tell nobody which record it
died of. So what is begun is marked before, as metadata of the group's committed offset:

- Before a feed's first batch after its lane has opened, the offset is committed unchanged with ``tried``. The commit of
  the batch takes the mark away. Who opens the lane next and finds a mark knows that its writer died of that batch.
- After `LIMIT` such deaths the feed is careful: as far as the batch went that was tried last, it takes each record by
  itself, marked ``alone`` before. A record that is found so has killed its process and is not called again.

A mark names its process, so that one which opens its lane anew does not count itself among the dead.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import Final

LIMIT: Final = 2
"""Deaths that leave a mark. A lane that has been at work dies once more before, by a batch that is not its first, and
any lane once more after, by the record alone: four at most. The fifth within a minute would stop `midi-ingest up`."""

PROCESS: Final = uuid.uuid4().hex[:12]
"""This process, as no other one is called."""

_TEXT: Final = re.compile(r"(tried|alone):([0-9]{1,9}):([0-9]{1,19}):([0-9a-f]{0,12})")


@dataclass(frozen=True, slots=True)
class Mark:
    """What has been tried from a committed offset on without being committed.

    ``tries`` counts the batches; ``until`` is the offset behind the one tried last; ``alone`` means that the first
    record was called by itself. ``by`` is the process that is trying, empty where none is.
    """

    tries: int = 0
    until: int = 0
    alone: bool = False
    by: str = ""

    @property
    def careful(self) -> bool:
        """Whether records have to be taken by themselves."""
        return self.tries >= LIMIT

    @property
    def text(self) -> str:
        """The mark as metadata of a committed offset."""
        if not self.tries:
            return ""
        return f"{'alone' if self.alone else 'tried'}:{self.tries}:{self.until}:{self.by}"

    def trying(self, until: int) -> Mark:
        """The mark for a batch, or for one record where it is careful, that this process begins now."""
        if self.careful:
            return replace(self, alone=True, by=PROCESS)
        return Mark(self.tries + 1, until, by=PROCESS)

    def after(self, offset: int) -> Mark:
        """What is left of it once everything before ``offset`` is committed."""
        return replace(self, alone=False, by="") if self.careful and offset < self.until else Mark()


def found(text: str) -> Mark:
    """The mark that a lane finds when it opens; what this process has tried itself, it has survived."""
    match = _TEXT.fullmatch(text)
    if not match:
        return Mark()
    what, tries, until, by = match.groups()
    mark = Mark(int(tries), int(until), what == "alone", by)
    if by != PROCESS:
        return mark
    return replace(mark, tries=mark.tries if mark.alone else mark.tries - 1, alone=False, by="")

"""The files of the spool that this process holds, and what it does with each.

| use         | appended to | drained | counts in the quota for | goes on to                                       |
|-------------|-------------|---------|-------------------------|--------------------------------------------------|
| `WRITTEN`   | yes         | yes     | what is in it           | `DRAINED` if it takes no more, `SET_ASIDE` if    |
|             |             |         |                         | it cannot be read, `LEAVING` once it is empty    |
| `DRAINED`   | no          | yes     | what is in it           | `SET_ASIDE` if it cannot be read, `LEAVING` once |
|             |             |         |                         | it is empty                                      |
| `SET_ASIDE` | no          | no      | its size on the disk    | nothing: held, so that no process tries it again |
|             |             |         |                         | and again                                        |
| `LEAVING`   | no          | no      | what is in it           | nothing: it is being removed                     |

A new file is `WRITTEN`, of which there is one at a time; one that another process has left begins as `DRAINED`. At
the end of the process all are left to others, but for those that are empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Set
from enum import IntEnum, auto
from pathlib import Path

from ingest.spool.file import SpoolFile


class Use(IntEnum):
    """What is done with a file; it goes on only to a later one."""

    WRITTEN = auto()
    DRAINED = auto()
    SET_ASIDE = auto()
    LEAVING = auto()


class Held:
    """The files that this process holds."""

    def __init__(self) -> None:
        self._uses: dict[SpoolFile, Use] = {}

    @property
    def written(self) -> SpoolFile | None:
        """The file that records are appended to, once there is one."""
        return next(self.used(Use.WRITTEN), None)

    @property
    def to_drain(self) -> list[SpoolFile]:
        """What is drained: what others have left, oldest first, then our own."""
        left = sorted(self.used(Use.DRAINED), key=lambda file: file.totals.oldest or 0)
        return [*left, *self.used(Use.WRITTEN)]

    @property
    def counted(self) -> Set[Path]:
        """The files of which is known what is in them, so that it need not be guessed from their size on the disk."""
        return {file.path for file in self._counted()}

    @property
    def size_bytes(self) -> int:
        """What is in those that are `counted`."""
        return sum(file.totals.size_bytes for file in self._counted())

    def used(self, use: Use) -> Iterator[SpoolFile]:
        """The files of one use."""
        return (file for file, its in self._uses.items() if its is use)

    def hold(self, file: SpoolFile, use: Use) -> None:
        """Hold a file that has just been claimed."""
        self._uses[file] = use

    def go_on(self, file: SpoolFile, use: Use) -> None:
        """Use a file for this from now on, unless its use is a later one already."""
        self._uses[file] = max(use, self._uses[file])

    async def remove(self, file: SpoolFile) -> None:
        """Let go of a file that is empty, and remove it; cancelled, that goes on."""
        self.go_on(file, Use.LEAVING)
        await file.leave()
        del self._uses[file]

    async def leave(self) -> None:
        """Leave all files to others."""
        await asyncio.gather(*(file.leave() for file in self._uses))
        self._uses.clear()

    def _counted(self) -> Iterator[SpoolFile]:
        return (file for file, use in self._uses.items() if use is not Use.SET_ASIDE and file.is_known)

"""Shows on stderr how the fetching of Kafka's jars goes: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

_LINE_EVERY: Final = 10


class FetchProgress:
    """A context in which ``jars`` jars arrive; bars may be made and moved in several threads."""

    def __init__(self, jars: int) -> None:
        self._jars = jars
        self._arrived = 0
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """Print a line, above the bars."""
        self._console.print(line, markup=False)

    @contextmanager
    def bar(self, filename: str, size: int) -> Iterator[Callable[[int], None]]:
        """A bar for a download of ``size`` bytes; the function takes how many more have come."""
        task = self._bars.add_task(filename, total=size)
        try:
            yield lambda count: self._bars.advance(task, count)
        finally:
            self._bars.remove_task(task)

    def count(self) -> None:
        """One jar more is there; every tenth and the last are told."""
        self._arrived += 1
        if self._arrived % _LINE_EVERY == 0 or self._arrived == self._jars:
            self.say(f"{self._arrived} of {self._jars} jars are here")

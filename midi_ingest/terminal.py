"""How commands show things: tables that fit, bars on a terminal only, and nothing that could steer the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

_WIDE = 200
"""The width of a table that no terminal bounds."""


def console() -> Console:
    """Standard output; what senders wrote is shown as it is, not read as rich's markup."""
    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False)


def table(*columns: str) -> Table:
    """A table that folds what does not fit, and cuts nothing."""
    result = Table()
    for column in columns:
        result.add_column(column, overflow="fold")
    return result


def progress() -> Progress:
    """A bar on standard error, on a terminal only."""
    error = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=error, disable=not error.is_terminal, transient=True)


def visible(text: str) -> str:
    """A text that only shows: characters that would steer a terminal, or show nothing, are written as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def print_json(document: object) -> None:
    """Print one JSON document."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def counted(number: int, what: str) -> str:
    """A number with its word: 1 letter, 2 letters."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _escaped(character: str) -> str:
    return "    " if character == "\t" else character.encode("unicode_escape").decode()


def short(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

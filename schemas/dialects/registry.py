"""The dialects that are known, and how one is chosen for a callback."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from schemas.dialects.acedata import ACEDATA
from schemas.dialects.dialect import Dialect, Shape
from schemas.dialects.kie import KIE
from schemas.dialects.sunoapi import SUNOAPI

DIALECTS: Final = (ACEDATA, KIE, SUNOAPI)
"""In the order in which they are tried: the first that recognises a callback's shape reads it."""

AUTO: Final = "auto"
"""Instead of a dialect's name: tell it by the shape."""

_BY_NAME: Final = {dialect.name: dialect for dialect in DIALECTS}


def by_name(name: str) -> Dialect | None:
    """The dialect of that name, if there is one."""
    return _BY_NAME.get(name)


@lru_cache(maxsize=128)
def choose(named: str, shape: Shape) -> Dialect:
    """The dialect of that name; by its shape if there is none."""
    if (dialect := by_name(named)) is not None:
        return dialect
    return next(dialect for dialect in DIALECTS if dialect.recognises(shape))

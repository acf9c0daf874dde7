"""A JSON value as a number: the sender writes numbers of 16 or more digits as strings."""

from __future__ import annotations

import re
from math import isfinite
from typing import Final

# Each digit can match in one way only, so that a long string that is no number is refused in linear time.
_NUMBER: Final = re.compile(r"[ \t\r\n]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\r\n]*")


def number(value: object) -> float | None:
    """The double that a JSON number or a string means; None where it is no number, or not finite."""
    if type(value) is float:
        result = value
    # A bool is no number, though isinstance() would let it pass as an int.
    elif type(value) is int or (type(value) is str and _NUMBER.fullmatch(value) is not None):
        result = float(value)
    else:
        return None
    return result if isfinite(result) else None

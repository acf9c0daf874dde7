"""Notices packages of others in the place of ours: `workers` and `schemas` are common names."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

OURS: Final = ("schemas", "telemetry", "broker", "ingest", "workers")


def refuse_shadows() -> None:
    """Make sure that our packages are ours.

    Raises:
        ImportError: another one is found first; the message says where it lies and what to do.
    """
    home = Path(__file__).resolve().parent.parent
    for name in OURS:
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if home / name not in places[:1]:
            found = places[0] if places else (spec.origin if spec else "nothing")
            raise ImportError(
                f"midi-ingest needs its own package {name!r} in {home}, but Python finds {found}. "
                "Rename that, or take its folder off PYTHONPATH; `python -P` leaves out the current folder."
            )

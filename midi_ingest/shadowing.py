"""Keeps packages of others out of the place of ours: `workers` and `schemas` are common names."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OURS: Final = ("schemas", "telemetry", "broker", "ingest", "workers")
HOME: Final = Path(__file__).resolve().parent.parent


def leave_out_current_folder() -> None:
    """Take the current folder off the path where `python -m midi_ingest` put it: `midi-ingest` has it not either.

    What lies there, such as a folder `workers` with the files of a user's own, is no part of this command.
    """
    _, _, after = " ".join(sys.orig_argv).partition(" -m ")
    as_command = sys.argv[:1] == ["-m"] and after.split(" ")[0] == "midi_ingest"
    if as_command and not sys.flags.safe_path and Path(sys.path[0]).resolve() != HOME:
        del sys.path[0]


def refuse_shadows() -> None:
    """Make sure that our packages are ours.

    Raises:
        ImportError: another one is found first; the message says where it lies and what to do.
    """
    for name in OURS:
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if HOME / name not in places[:1]:
            found = places[0] if places else (spec.origin if spec else "nothing")
            raise ImportError(
                f"midi-ingest needs its own package {name!r} in {HOME}, but Python finds {found}. "
                "Rename that, or take its folder off PYTHONPATH; `python -P` leaves out the current folder."
            )

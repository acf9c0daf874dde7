"""Fuzzing guided by coverage (atheris): any bytes as a callback's body, to a file or one of the documented refusals.

`target` says what is asserted. The corpus grows from `seeds` in ``data/fuzz/corpus``; a body that breaks something is
left in ``data/fuzz``, and becomes a test. All arguments are libFuzzer's: ``python -m tests.fuzz -max_total_time=60``; a
file's name runs that body alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import atheris

from tests.fuzz.mutation import mutated

with atheris.instrument_imports(include=["schemas", "workers"]):
    from midi_ingest import samples
    from tests.fuzz.seeds import TOKENS, seeds
    from tests.fuzz.target import check

    check(samples.sample())  # imports what is imported only where there is music

DIRECTORY: Final = Path("data/fuzz")

LIMITS: Final = ("-max_len=4096", "-timeout=30", "-rss_limit_mb=2048")
"""No body of 4 KiB takes 30 seconds or 2 GiB; atheris itself takes 250 bytes more with each."""


def main(arguments: list[str]) -> None:
    """Fuzz until a limit in the arguments is reached, or something breaks."""
    corpus, dictionary = DIRECTORY / "corpus", DIRECTORY / "json.dict"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(body)
    dictionary.write_text("".join(f'"{_escaped(token)}"\n' for token in TOKENS))
    fixed = [*LIMITS, f"-dict={dictionary}", f"-artifact_prefix={DIRECTORY}/"]
    given = (
        arguments
        if any(not argument.startswith("-") for argument in arguments)
        else [*arguments, str(corpus)]
    )
    atheris.Setup([sys.argv[0], *fixed, *given], check, custom_mutator=_mutator)
    atheris.Fuzz()


def _mutator(body: bytes, max_bytes: int, seed: int) -> bytes:
    """Every other time JSON stays JSON; else libFuzzer changes bytes."""
    changed = mutated(body, seed) if seed % 2 else None
    if changed is None or len(changed) > max_bytes:
        return bytes(atheris.Mutate(body, max_bytes))
    return changed


def _escaped(token: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token.encode())


if __name__ == "__main__":
    main(sys.argv[1:])

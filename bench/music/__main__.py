"""How fast the music is, and what it takes: mido and symusic as one would use them, beside ours.

Every contestant's file is read back and compared with the song before it is measured. They take turns in rounds, in
another order each, in one process; a ratio is the median of the rounds' ratios. Ours has all rules on, the others none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.music import contest, contestants, memory, steps
from bench.music.song import Song, song

NOTES: Final = (1_000, 10_000, 100_000)
SMALL: Final = (10, 30, 100)
_QUICK_NOTES: Final = (1_000, 10_000)

FROM_ARRAYS: Final = {
    "mido": contestants.mido_from_arrays,
    "symusic": contestants.symusic_from_arrays,
    "ours": contestants.ours_from_arrays,
}
FROM_BODY: Final = {
    "orjson and mido": contestants.mido_from_body,
    "note by note": contestants.note_by_note_from_body,
    "ours": contestants.ours_from_body,
}

CONTESTS: Final[Mapping[str, tuple[str, Mapping[str, contest.Writer]]]] = {
    "from_arrays": ("Validated arrays to a file", FROM_ARRAYS),
    "from_body": ("A callback's body to a file", FROM_BODY),
    "small": ("A short callback's body to a file", FROM_BODY),
}

app = App(
    name="python -m bench.music",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.music
    python -m bench.music --quick
    python -m bench.music --notes 10000 --rounds 50""",
)


@app.default
def main(
    *,
    notes: Annotated[tuple[int, ...], Parameter(validator=Number(gte=200))] = (),
    rounds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    quick: bool = False,
) -> None:
    """Measure, print tables, write JSON to bench/results.

    Args:
        notes: notes a song, about 80 bytes each; may be repeated; 1,000, 10,000 and 100,000, or the first two with
            --quick. Songs of 10, 30 and 100 are measured besides.
        rounds: how often each contestant gets its turn; 15, or 3 with --quick.
        quick: a first impression, with the fewest rounds.
    """
    notes = notes or (_QUICK_NOTES if quick else NOTES)
    rounds = rounds or (3 if quick else 15)
    small, songs = list(map(song, SMALL)), list(map(song, notes))
    figures = {
        name: [asdict(row) for row in _contest(title, writers, small if name == "small" else songs, rounds)]
        for name, (title, writers) in CONTESTS.items()
    }
    parts = [row for measured in songs for row in steps.measure(measured, rounds)]
    steps.show(parts)
    peaks = memory.measure(notes)
    memory.show(peaks)
    figures |= {"steps": [asdict(row) for row in parts], "memory": [asdict(row) for row in peaks]}
    options = {"notes": notes, "rounds": rounds}
    report.show(f"Written to {report.save('music', options, figures)}")


def _contest(
    title: str, writers: Mapping[str, contest.Writer], songs: Sequence[Song], rounds: int
) -> list[contest.Row]:
    report.say(title)
    rivals = list(writers)[:-1]
    rows = []
    for measured in songs:
        rows += contest.rows(contest.measure(writers, measured, rounds), measured, rivals)
    contest.show(title, rows, rivals)
    return rows


if __name__ == "__main__":
    app()

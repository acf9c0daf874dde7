"""Callbacks' bodies for Hypothesis, as JSON text: clean and dirty, short and long, of every sender."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from tests.unit.schemas.dialects import senders

Text = st.SearchStrategy[str]

PITCHES: Final = st.integers(59, 62).map(str) | st.sampled_from(['"61"', "60.0", "6e1", "0", "127"])
EVERY_PITCH: Final = st.integers(0, 127).map(str)
QUIET: Final = st.sampled_from(["1", "0.5", '"0.4961"', "1.5", "0.001", "2"])
LOUD: Final = st.sampled_from(["2.0000000000000004", "64", "126.5", "127", "200", '"90"'])
ODD: Final = st.sampled_from(
    [
        *("0", "-0", "-0.0", '"-0"', "5e-324", "-5e-324", "1e-400", "60.5"),
        *("127.00000000000001", "128", "-1"),
        *("86400", "86400.00000000001", "-86400", "-86400.00000000001", "1e308", "-1e308", '"1e308"', "1e22"),
        *(
            "18446744073709551616",
            '"NaN"',
            '"Infinity"',
            '"-inf"',
            '"null"',
            '"NULL"',
            "null",
            '"1E2"',
            '"0.5e-3"',
        ),
        *("-0.001", "0.0010416666666666667", '"0.0005208333333333333"', "0.0005", "0.0001"),
    ]
)
"""What the rules drop or mend; the typed decode takes all of it."""
REFUSED: Final = st.sampled_from(
    [
        *("true", "[]", "{}", '""', '"x"', "1e400", '"1e400"', "9" * 400, '" 7 "', '"+7"', '".5"', '"7."'),
        *('"007"', '"1_0"', '"١"', r'"\ud800"', "NaN", "01", ""),
    ]
)
"""What the typed decode does not take."""
UNKNOWN: Final = st.tuples(
    st.sampled_from(["more", "Pitch"]), st.sampled_from(["1", "[{}]", "1e400", r'"\u00e9"', '"é"'])
)


def time(steps: int) -> str:
    """A time on the senders' grid as they write it: what has 16 digits or more, as a string."""
    text = repr(steps / 192)
    return text if len(text) < 17 else f'"{text}"'


Spans = st.SearchStrategy[tuple[str, str]]

SPANS: Final = st.tuples(st.integers(0, 12) | st.integers(0, 3000), st.integers(-1, 12)).map(
    lambda span: (time(span[0]), time(span[0] + span[1]))
)
"""Starts and ends, which often meet others."""
FAR_SPANS: Final = st.tuples(st.floats(0, 86400), st.floats(0, 86400)).map(
    lambda times: (repr(min(times)), repr(max(times)))
) | st.integers(0, 86400 * 192 - 1).map(lambda step: (time(step), time(step + 1)))
"""On the grid and off it, up to the last time that a note may have."""


def notes(pitches: Text, spans: Spans, velocities: Text, odd: Text) -> Text:
    """Notes whose fields are in any order, some odd, some twice, some absent, some unknown."""
    field = st.sampled_from(["pitch", r"p\u0069tch", "start", "end", "velocity"])
    fields = st.tuples(pitches, spans, velocities).map(
        lambda each: [("pitch", each[0]), ("start", each[1][0]), ("end", each[1][1]), ("velocity", each[2])]
    )
    changed = st.tuples(fields, st.lists(st.tuples(field, odd) | UNKNOWN, max_size=2), st.integers(0, 5)).map(
        lambda parts: (parts[0] + parts[1])[parts[2] // 4 :]
    )
    return (fields | fields | changed).map(
        lambda pairs: "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"
    )


PLAYERS: Final = (
    *("Drums", "Kit", "Violin", "Viola", "Cello", "Piano", "Organ", "Tuba", "Koto", "Gunshot", "Flute"),
    *("Oboe", "Choir", "Guitar", "Bass", "Lead 1 (square)", "Pad 2 (warm)", "FX 1 (rain)", "Agogo", "?"),
)
NAMES: Final = st.sampled_from(PLAYERS).map(json.dumps) | st.sampled_from(
    ['""', '"?"', "7", "null", '["Violin"]', r'"\u00e9"', '"鋼琴"', '"null"']
)


def songs(note: Text, most: int, no_notes: Sequence[str] = ("[]",)) -> Text:
    """Arrays of up to so many instruments; some have no notes, in one of these ways."""
    listed = st.lists(note, max_size=6).map(lambda each: f"[{', '.join(each)}]")
    of_it = listed | listed | st.sampled_from(no_notes)
    fields = st.tuples(NAMES, of_it).map(lambda both: f'{{"name": {both[0]}, "notes": {both[1]}}}')
    return st.lists(fields | fields | st.just("{}"), max_size=most).map(lambda each: f"[{', '.join(each)}]")


def body(instruments: str, sender: str = senders.SUNOAPI) -> bytes:
    """A callback with these instruments."""
    return senders.success(sender, "@").replace(b'"@"', instruments.encode())


CLEAN: Final = songs(notes(PITCHES, SPANS, QUIET, PITCHES), 30)
DIRTY: Final = songs(notes(PITCHES, SPANS | FAR_SPANS | st.tuples(ODD, ODD), QUIET | ODD | LOUD, ODD), 8)
REFUSALS: Final = songs(notes(PITCHES, SPANS, QUIET, REFUSED), 4, ("null", '"null"', '"NULL"', "{}"))
FAR: Final = songs(notes(EVERY_PITCH, SPANS | FAR_SPANS, QUIET | LOUD, PITCHES), 8)


def long_song(seed: int, count: int) -> str:
    """Up to 40 instruments with so many notes together, of which some meet and a few are odd."""
    chance = random.Random(seed)  # noqa: S311 - music, not secrets
    names = [json.dumps(chance.choice(PLAYERS)) for _ in range(chance.randint(1, 40))]
    notes: list[list[str]] = [[] for _ in names]
    for number in range(count):
        chance.choice(notes).append(_note(chance, number))
    instruments = (
        f'{{"name": {name}, "notes": [{",".join(of_it)}]}}' for name, of_it in zip(names, notes, strict=True)
    )
    return f"[{','.join(instruments)}]"


def _note(chance: random.Random, number: int) -> str:
    start = (number // 4 + chance.choice((0, 0, 0, 1, 2.3))) / 192
    values = [str(chance.randint(55, 65)), repr(start), repr(start + chance.randint(1, 48) / 192), "0.7"]
    if chance.random() < 0.02:
        values[chance.randrange(4)] = chance.choice(("null", "-1", "128", "0", "86400", "60.5"))
    return '{{"pitch":{},"start":{},"end":{},"velocity":{}}}'.format(*values)


LONG: Final = st.builds(long_song, st.integers(0, 1 << 32), st.integers(100, 1000))
NAMED: Final = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text(max_size=8)
            | st.sampled_from("aé鋼😀").map(lambda letter: "drums " + letter * 254),
            "notes": st.just([{"pitch": 60, "start": 1, "end": 2, "velocity": 1}]) | st.none(),
        }
    ),
    max_size=20,
).map(json.dumps)

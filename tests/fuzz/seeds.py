"""Where the fuzzer starts: small callbacks of every dialect, and the words that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from midi_ingest import samples
from tests.unit.schemas.dialects import senders

ODD: Final[tuple[object, ...]] = (
    [{"name": "Drums", "notes": [{"pitch": "60.0", "start": -1, "end": 1, "velocity": 90}, 7]}, None],
    [
        {"name": name, "notes": [{"pitch": 60, "start": n, "end": 3, "velocity": 0.5}]}
        for n, name in enumerate("abc")
    ],
    [{"name": f"Lead {n}", "notes": [{"pitch": n, "start": n, "end": n}]} for n in range(17)],
    [{"name": "Strings (legato)", "notes": None}, {"notes": {}}, {"name": ["\ud83d\ude00"]}],
)
"""Instruments on which most rules have something to do."""

TOKENS: Final = (
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        '"',
        "{}",
        "[]",
        "[[",
        "]]",
        '""',
        "\\",
        "\\u",
        "\\ud83d\\ude00",
        "\\ud800",
        '\\"',
    ),
    *(
        '"task_id":',
        '"taskId":',
        '"code":200',
        '"success":true',
        '"data":',
        '"state":"complete"',
        '"instruments":[',
    ),
    *(
        '{"name":',
        '"notes":[',
        '"pitch":60',
        '"start":',
        '"end":',
        '"velocity":',
        '{"pitch":60,"start":0,"end":1}',
    ),
    *(
        "null",
        "true",
        "false",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e-400",
        "-0",
        "-0.0",
        "0.5",
    ),
    *(
        '"null"',
        '"NULL"',
        '"1e400"',
        '"nan"',
        '"inf"',
        '" 7 "',
        '"+7"',
        '".5"',
        '"7."',
        '"1_0"',
        "127",
        "128",
        "60.5",
        "-1",
        "2.0000000000000004",
    ),
    *(
        "86400",
        "86400.00000000001",
        "-86400",
        "0.0005208333333333333",
        "18446744073709551616",
        "5e-324",
        "1e308",
    ),
    *(
        '"Drums"',
        '"Violin"',
        '"Kit"',
        '"Lead 1 (square)"',
        '"Sound Effects"',
        "é",
        "鋼琴",
        "😀",
        "\x00",
        "\ufeff",
    ),
)


def seeds() -> Iterator[bytes]:
    """The bodies that the corpus starts with."""
    yield samples.sample()
    yield samples.song("a1", 12)
    yield from senders.MIXTURES
    for sender in senders.SENDERS:
        yield from (senders.success(sender), senders.failure(sender))
        yield from (senders.success(sender, instruments) for instruments in ODD)

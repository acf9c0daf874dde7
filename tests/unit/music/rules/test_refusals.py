"""What is refused as a whole, and what only just is not."""

from __future__ import annotations

import pytest

from schemas.dialects.depth import MAX_CONTAINERS
from tests.unit.music.rules.songs import body_of, instrument, note, scored, scored_as
from tests.unit.schemas.dialects.senders import ACEDATA, KIE, SUNOAPI
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.normalize import normalize

PLACES = pytest.mark.parametrize("place", ["name", "start", "more"])


def with_one(value: str, place: str) -> str:
    """An instrument with this value as its name, as a note's start, or elsewhere."""
    if place == "start":
        return instrument(note(start=value))
    return f'{{"{place}": {value}, "notes": [{note()}]}}'


@PLACES
@pytest.mark.parametrize(
    "value",
    [
        *(
            "NaN",
            "Infinity",
            "-Infinity",
            "nan",
            "01",
            "1.",
            ".5",
            "+1",
            "0x1",
            "1_0",
            "'x'",
            "None",
            "tru",
            "--1",
        ),
        *(r'"\ud800"', r'"\udc00"', r'"\ud800\ud800"', r'"\udc00\ud800"', r'"\ud83dx\ude00"', r'"\uD800A"'),
        *(
            '"\x01"',
            '"\n"',
            r'"\x41"',
            r'"\u12"',
            '"',
            "[1,]",
            "[1 2]",
            '{"a"}',
            '{"a":1,}',
            "{1:1}",
            "1 2",
            "\x00",
        ),
    ],
)
def test_what_is_not_json_is_refused_wherever_it_stands(value: str, place: str) -> None:
    with pytest.raises(InvalidPayload):
        scored(with_one(value, place))


@PLACES
@pytest.mark.parametrize(
    "value", [r'"\ud83d\ude00"', r'"\\ud800"', '"\ud7ff\ue000"', "-0", "1e400", "9" * 400, r'"\/"']
)
def test_what_is_almost_not_json_is_read(value: str, place: str) -> None:
    assert len(scored(with_one(value, place)).instruments) == 1


@PLACES
@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9"])
def test_what_is_not_utf_8_is_refused_wherever_it_stands(bad: bytes, place: str) -> None:
    body = f'{{"task_id": "a1", "data": {{"instruments": [{with_one(chr(34) + "*" + chr(34), place)}]}}}}'
    with pytest.raises(InvalidPayload, match="not JSON"):
        normalize(body.encode().replace(b"*", bad), "a1")


@pytest.mark.parametrize(("sender", "own"), [(SUNOAPI, 4), (KIE, 4), (ACEDATA, 5)])
@pytest.mark.parametrize(("opening", "inner", "closing"), [("[", "", "]"), ('{"a":', "1e400", "}")])
def test_a_callback_may_be_64_deep(sender: str, own: int, opening: str, inner: str, closing: str) -> None:
    def body(depth: int) -> bytes:
        more = depth - own
        return body_of(sender, f'[{{"more": {opening * more}{inner}{closing * more}}}]')

    assert len(normalize(body(64), "a1").instruments) == 1
    with pytest.raises(InvalidPayload, match="deeper than 64"):
        normalize(body(65), "a1")


@pytest.mark.parametrize("others", [0, 1, 100])
def test_so_it_may_be_in_a_note_however_many_notes_are_beside_it(others: int) -> None:
    def body(depth: int) -> bytes:
        more = depth - 6
        deep = note(more="[" * more + "]" * more)
        return body_of(SUNOAPI, f"[{', '.join([instrument(deep), *[instrument(note())] * others])}]")

    assert len(normalize(body(64), "a1").instruments) == 1 + others
    with pytest.raises(InvalidPayload, match="deeper than 64"):
        normalize(body(65), "a1")


def test_a_callback_may_have_262144_arrays_and_objects() -> None:
    def body(count: int) -> bytes:
        return b'{"data": {"instruments": [], "more": [' + b",".join([b"{}"] * (count - 4)) + b"]}}"

    assert normalize(body(MAX_CONTAINERS), "a1").instruments == []
    with pytest.raises(TooLarge, match="262,144"):
        normalize(body(MAX_CONTAINERS + 1), "a1")


@pytest.mark.parametrize("instruments", ["{}", "0", "true", '""', '"[]"', '"null"', '"NULL"'])
def test_instruments_that_are_neither_an_array_nor_null_are_refused(instruments: str) -> None:
    with pytest.raises(InvalidPayload, match=r"`data\.instruments` is neither an array nor null"):
        scored_as(instruments)

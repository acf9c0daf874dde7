"""From a body to the instruments in it, whoever sent it."""

from __future__ import annotations

import pytest

from tests.unit.schemas.dialects.senders import ACEDATA, KIE, MIXTURES, SENDERS, SUNOAPI, success
from workers.music.body import read_instruments
from workers.music.errors import InvalidPayload, TooLarge


def body(instruments: str, rest: str = "1") -> bytes:
    return (
        f'{{"task_id": "t", "code": 200, "rest": {rest}, "data": {{"instruments": {instruments}}}}}'.encode()
    )


def test_the_instruments_come_as_received() -> None:
    assert read_instruments(body('[{"name": "Violin"}, 7, null]')) == [{"name": "Violin"}, 7, None]


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("unnamed", ["auto", "", "unheard-of"])
def test_the_instruments_of_each_sender_are_found(sender: str, unnamed: str) -> None:
    for dialect in (sender, unnamed):
        assert read_instruments(success(sender, [7, {}]), dialect) == [7, {}]


@pytest.mark.parametrize(("text", "sender"), MIXTURES.items())
def test_the_instruments_of_a_mixture_are_found(text: bytes, sender: str) -> None:
    assert read_instruments(text) == read_instruments(text, sender) == []


@pytest.mark.parametrize("dialect", [SUNOAPI, KIE])
def test_a_body_is_read_in_the_dialect_that_is_named(dialect: str) -> None:
    with pytest.raises(InvalidPayload, match="`data` is not an object"):
        read_instruments(success(ACEDATA), dialect)


def test_a_field_that_is_null_tells_nothing_of_the_dialect() -> None:
    with pytest.raises(InvalidPayload, match=r"`data` is not an object\.$"):
        read_instruments(b'{"task_id": "a1", "success": null, "data": 7}')


@pytest.mark.parametrize("data", ["[]", "[{}, {}]", "[[]]", "[7]", "null", "7"])
def test_data_that_is_neither_an_object_nor_an_array_of_one_is_refused(data: str) -> None:
    with pytest.raises(InvalidPayload, match="`data` is not an object or an array of one object"):
        read_instruments(f'{{"success": true, "task_id": "a1", "data": {data}}}'.encode())


@pytest.mark.parametrize(
    "text", [b'{"data": {}}', b'{"data": {"instruments": null}}', b'{"data": {"instruments": []}}']
)
def test_missing_null_and_empty_instruments_are_none(text: bytes) -> None:
    assert read_instruments(text) == []


@pytest.mark.parametrize("instruments", ["{}", '"Violin"', "0", "1", "false", "true", '""'])
def test_instruments_that_are_no_array_are_refused(instruments: str) -> None:
    with pytest.raises(InvalidPayload, match=r"`data\.instruments`"):
        read_instruments(body(instruments))


@pytest.mark.parametrize("text", ["[]", "null", '"data"', "1", "[{}]"])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidPayload, match="no object"):
        read_instruments(text.encode())


@pytest.mark.parametrize("text", ["{}", '{"data": null}', '{"data": []}', '{"data": "x"}', '{"data": 1}'])
def test_data_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidPayload, match="`data` is not an object"):
        read_instruments(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"data": {}} x',
        b"{'data': {}}",
        b'{"data": {},}',
        b'{"data": {"instruments": [01]}}',
        b'{"data": {"instruments": ["\x01"]}}',
        b'{"data": {"instruments": ["\xff"]}}',
        b'{"data": {"instruments": [1e400, "\xed\xa0\x80"]}}',
        b'\xef\xbb\xbf{"data": {}}',
        '{"data": {}}'.encode("utf-16"),
        '{"data": {}}'.encode("utf-32-le"),
        b"\x00" * 8,
    ],
)
def test_what_is_not_json_in_utf_8_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidPayload, match="not JSON"):
        read_instruments(text)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_the_words_for_no_numbers_are_refused(word: str) -> None:
    with pytest.raises(InvalidPayload, match=word):
        read_instruments(body(f"[{word}]"))
    with pytest.raises(InvalidPayload, match=word):
        read_instruments(body("[]", rest=word))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "-" + "9" * 5000, "1" + "0" * 309 + ".0"])
def test_a_number_that_overflows_a_double_is_read_as_infinite(number: str) -> None:
    [value] = read_instruments(body(f"[{number}]"))
    assert value in {float("inf"), float("-inf")}


def test_next_to_an_overflow_all_else_is_read_as_ever() -> None:
    received = read_instruments(
        body(r'[{"name": "\ud83d\ude00 é \\ud800 \\", "notes": [1, 18446744073709551616]}, 1e999]')
    )
    assert received[0] == {"name": "😀 é \\ud800 \\", "notes": [1, 2**64]}


@pytest.mark.parametrize(
    "escape",
    [r"\ud800", r"\uDFFF", r"\ud800x", r"\ud800\u0041", r"\udc00\ud800", r"\ud83d\ude00\ude00", r"\\\ud800"],
)
@pytest.mark.parametrize("number", ["1", "1e400"])
def test_half_of_a_surrogate_pair_is_refused(escape: str, number: str) -> None:
    for text in (
        body(f'[{number}, "{escape}"]'),
        body(f'[{number}, {{"{escape}": 1, "a": 1}}]'),
        body(f"[{number}]", f'"{escape}"'),
    ):
        with pytest.raises(InvalidPayload):
            read_instruments(text)


def test_half_of_a_surrogate_pair_is_refused_by_its_place_even_under_a_key_that_comes_again() -> None:
    callback = body(r'[{"name": "\ud800", "name": "Violin"}]')
    with pytest.raises(InvalidPayload, match=f"surrogate pair: char {callback.index(b'ud800') - 1}"):
        read_instruments(callback)


NESTED = pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        ("[", "1", "]"),
        ('{"a":', "1", "}"),
        ("[", "1e400", "]"),
        ('{"a":', "1e400", "}"),
        ('["]]",', '"[["', "]"),
    ],
)


@NESTED
def test_a_body_may_be_64_deep(opening: str, inner: str, closing: str) -> None:
    assert read_instruments(body("[]", rest=opening * 63 + inner + closing * 63)) == []


@NESTED
@pytest.mark.parametrize("depth", [65, 1025, 100_000])
def test_a_body_that_is_deeper_is_refused(opening: str, inner: str, closing: str, depth: int) -> None:
    with pytest.raises(InvalidPayload, match="deeper than 64"):
        read_instruments(body("[]", rest=opening * (depth - 1) + inner + closing * (depth - 1)))


def test_brackets_in_strings_are_no_depth() -> None:
    name = r"[{\"[{" * 1000
    assert read_instruments(body(f'[1e400, "{name}"]'))[1] == r'[{"[{' * 1000


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert read_instruments(
        b'{"data": {"instruments": [1]}, "data": {"instruments": [2], "instruments": [3]}}'
    ) == [3]


def test_a_score_may_have_1024_instruments() -> None:
    assert len(read_instruments(body("[" + "null," * 1023 + "null]"))) == 1024


def test_1025_instruments_are_too_large_whatever_they_are() -> None:
    with pytest.raises(TooLarge, match="1025"):
        read_instruments(body("[" + "null," * 1024 + "null]"))

"""Reading a callback's envelope: its task id and code, and what is refused as no callback or no JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.sunoapi import NotACallback, NotJson, read_envelope, read_meaning


def task_id(body: str | bytes) -> str:
    return read_envelope(body.encode() if isinstance(body, str) else body)[0]


@pytest.mark.parametrize(
    "body",
    [
        '{"task_id": "a1"}',
        '{"taskId": "a1"}',
        '{"task_id": "a1", "taskId": "a1"}',
        '{"task_id": null, "taskId": "a1"}',
        '{"data": {"task_id": "a1"}}',
        '{"data": {"taskId": "a1", "instruments": []}}',
        '{"data": {"task_id": "a1", "taskId": "a1"}}',
        '{"task_id": null, "data": {"task_id": "a1"}}',
        '\n\t{ "data" :\n {"taskId" : "a1"} }\r\n',
        r'{"task_id": "\u0061\u0031"}',
        '{"task_id": "a1", "data": [1, 2]}',
        '{"task_id": "a1", "surprise": {"task_id": 7}}',
    ],
)
def test_the_task_id_stands_at_the_top_else_in_the_data_in_either_spelling(body: str) -> None:
    assert task_id(body) == "a1"


def test_a_task_id_at_the_top_comes_before_one_in_the_data() -> None:
    assert task_id('{"task_id": "outer", "data": {"task_id": "inner", "taskId": "another"}}') == "outer"


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"code": 200}',
        '{"task_id": null}',
        '{"data": null}',
        '{"data": "a1"}',
        '{"data": [{"task_id": "a1"}]}',
        '{"data": {"data": {"task_id": "a1"}}}',
        '{"TASK_ID": "a1", "task-id": "a1", "id": "a1"}',
    ],
)
def test_a_body_without_a_task_id_is_no_callback(body: str) -> None:
    with pytest.raises(NotACallback, match="task id") as refused:
        task_id(body)
    assert refused.value.field == "task_id"


@pytest.mark.parametrize(
    "body",
    [
        '{"task_id": "a", "taskId": "b"}',
        '{"task_id": "", "taskId": "b"}',
        '{"data": {"task_id": "a", "taskId": "b"}}',
    ],
)
def test_two_task_ids_that_differ_are_refused(body: str) -> None:
    with pytest.raises(NotACallback, match="differ") as refused:
        task_id(body)
    assert refused.value.field == "task_id"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"task_id": 7}', "task_id"),
        ('{"taskId": 7}', "taskId"),
        ('{"task_id": true}', "task_id"),
        ('{"task_id": ["a"]}', "task_id"),
        ('{"data": {"task_id": 7}}', "data"),
        ('{"data": {"taskId": {}}}', "data"),
    ],
)
def test_a_task_id_is_a_string_never_a_number(body: str, field: str) -> None:
    with pytest.raises(NotACallback, match="str") as refused:
        task_id(body)
    assert refused.value.field == field


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀"])
def test_a_task_id_has_1_to_200_characters(character: str) -> None:
    for length in (1, 2, 199, 200):
        assert task_id(json.dumps({"task_id": character * length})) == character * length
    for length in (0, 201, 5000):
        for body in ({"task_id": character * length}, {"data": {"task_id": character * length}}):
            with pytest.raises(NotACallback, match="1 to 200 printable") as refused:
                task_id(json.dumps(body))
            assert refused.value.field == "task_id"


@pytest.mark.parametrize(
    "character",
    ["\x00", "\n", "\t", "\x1f", "\x7f", "\x85", "\u00a0", "\u2028", "\u200b", "\ufeff", "\ue000"],
)
def test_a_task_id_that_cannot_be_printed_is_refused(character: str) -> None:
    with pytest.raises(NotACallback, match="printable"):
        task_id(json.dumps({"task_id": f"a{character}b"}))


@pytest.mark.parametrize("code", ["200", "500", "0", "-1", "18446744073709551816", "9" * 100])
def test_a_code_is_any_integer(code: str) -> None:
    envelope = read_envelope(f'{{"task_id": "a1", "code": {code}}}'.encode())[1]
    assert envelope.code == int(code)


@pytest.mark.parametrize(
    "code",
    ["null", "true", "false", '"200"', '""', "200.0", "2e2", "200.5", "[200]", "{}", "1e400", "9" * 5000],
)
def test_a_code_that_is_no_integer_is_refused_by_name(code: str) -> None:
    with pytest.raises(NotACallback) as refused:
        task_id(f'{{"task_id": "a1", "code": {code}}}')
    assert refused.value.field == "code"


@pytest.mark.parametrize("body", ["null", "true", "7", '"a1"', "[]", '[{"task_id": "a1"}]'])
def test_json_that_is_no_object_is_no_callback(body: str) -> None:
    with pytest.raises(NotACallback, match="object") as refused:
        task_id(body)
    assert refused.value.field == "body"


def test_a_refusal_names_the_first_wrong_field_without_the_json_path() -> None:
    with pytest.raises(NotACallback) as refused:
        task_id('{"task_id": "a1", "code": "200"}')
    assert (refused.value.field, str(refused.value)) == ("code", "Expected `int`, got `str`.")


# FIELD.md, section 5: what JSON readers trip over.

IN_EVERY_PLACE = [
    b'{"task_id": "a1", "code": 200, "data": {"instruments": [%s]}}',  # in a value that stays raw
    b'{"task_id": "a1", "code": 200, "data": {}, "surprise": %s}',  # in a field that is skipped
    b'{"task_id": %s, "code": 200}',  # where a string is expected
    b'{"task_id": 7, "code": 200, "data": %s}',  # after a field that is wrong already
    b'{"code": 200, "data": {"task_id": 7, "more": %s}}',
    b"%s",
]


NESTED = [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000]
NOT_UTF8 = [b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xc0\xaf"']
NOT_JSON = [
    b"NaN", b"Infinity", b"-Infinity", b"nul", b"True", b"01", b"+1", b"1.", b".5", b"'a'", b",", b"// no",
    rb'"\ud800"', rb'"\udc00"', rb'"\ud800\ud800"', rb'"\ud800x"', rb'"\q"', rb'"\u12"', b'"\x01"', b'"\n"', b'"',
]  # fmt: skip


@pytest.mark.parametrize("place", IN_EVERY_PLACE)
def test_a_body_nested_too_deeply_is_no_json(place: bytes) -> None:
    for nested in NESTED:
        with pytest.raises(NotJson, match=r"recursion|nested"):
            read_envelope(place % nested)


@pytest.mark.parametrize("place", IN_EVERY_PLACE)
def test_a_body_that_is_not_utf8_is_no_json_and_says_where(place: bytes) -> None:
    for text in NOT_UTF8:
        body = place % text
        with pytest.raises(NotJson, match=rf"not UTF-8 at byte {body.index(text) + 1}\."):
            read_envelope(body)


@pytest.mark.parametrize("place", IN_EVERY_PLACE)
def test_words_and_escapes_that_json_does_not_have_are_no_json(place: bytes) -> None:
    for word in NOT_JSON:
        with pytest.raises(NotJson, match="not JSON"):
            read_envelope(place % word)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{",
        b'{"task_id": "a1"',
        b'{"task_id": "a1"} x',
        b'{"task_id": "a1"}{}',
        b'{"task_id": "a1",}',
        b'\xef\xbb\xbf{"task_id": "a1"}',
        '{"task_id": "a1"}'.encode("utf-16"),
        '{"task_id": "a1"}'.encode("utf-32"),
        b'{"task_id": 7, "code": "x"} x',
        b'{"task_id": 7',
    ],
)
def test_a_body_that_is_not_one_whole_json_text_in_utf8_is_no_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        read_envelope(body)


def test_of_a_repeated_field_the_last_one_counts() -> None:
    found, envelope = read_envelope(b'{"task_id": "a", "code": 500, "task_id": "b", "code": 200}')
    assert (found, envelope.code) == ("b", 200)


def test_numbers_that_overflow_inside_the_song_are_left_to_whoever_reads_the_notes() -> None:
    assert task_id('{"task_id": "a1", "code": 200, "data": {"instruments": [1e400, -1e400]}}') == "a1"


FIELDS = ["task_id", "taskId", "code", "success", "state", "msg", "data", "instruments", "other"]
WORDS = st.sampled_from(["a1", "", "complete", "COMPLETE", "failed", "running", "x" * 201, "\n", "é"])
ODD_NUMBERS = st.sampled_from([200, 500, 200.0, -0.0, 2**64, 10**400, 1e308, float("nan"), float("-inf")])
SCALARS = st.none() | st.booleans() | ODD_NUMBERS | WORDS | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@st.composite
def nearly_json(draw: st.DrawFn) -> bytes:
    """A callback-like document as text, with a few bytes cut out, put in or replaced."""
    text = json.dumps(draw(DOCUMENTS), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        patch = draw(
            st.binary(max_size=2) | st.sampled_from([rb"\ud800", rb"\u", b'"', b"\xff", b"{", b"[["])
        )
        text = text[:at] + patch + text[at + draw(st.integers(0, 2)) :]
    return text


@settings(deadline=None)
@given(st.binary(max_size=40) | nearly_json())
def test_no_body_raises_anything_but_that_it_is_no_json_or_no_callback(body: bytes) -> None:
    try:
        found, envelope = read_envelope(body)
    except (NotJson, NotACallback):
        return
    assert 1 <= len(found) <= 200
    read_meaning(envelope)


@settings(deadline=None)
@given(nearly_json())
def test_what_is_read_as_a_callback_is_json_for_everybody(body: bytes) -> None:
    try:
        found, _ = read_envelope(body)
    except (NotJson, NotACallback):
        return
    document = json.loads(body.decode("utf-8"), parse_constant=pytest.fail)
    ids = [document.get("task_id"), document.get("taskId")]
    data = document.get("data")
    if ids == [None, None] and isinstance(data, dict):
        ids = [data.get("task_id"), data.get("taskId")]
    assert set(ids) - {None} == {found}

"""Reading a callback's envelope: whose it is, and what is refused as no callback or no JSON, in which words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import AUTO, NotACallback, NotJson, read_callback, read_envelope
from tests.unit.schemas.dialects.senders import SENDERS


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
        '{"task_id": "a1", "data": [{"task_id": "b2"}, {}]}',
        '{"success": true, "data": [{"task_id": "a1"}]}',
        '{"success": true, "data": [{"taskId": "a1", "instruments": [7]}]}',
        '{"task_id": "a1", "data": {"task_id": "a1", "taskId": "a1"}}',
        '{"task_id": "a1", "surprise": {"task_id": 7}}',
    ],
)
def test_the_task_id_stands_at_the_top_else_in_the_data_in_either_spelling(body: str) -> None:
    assert task_id(body) == "a1"


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"code": 200}',
        '{"task_id": null}',
        '{"data": null}',
        '{"data": "a1"}',
        '{"data": []}',
        '{"data": [{"task_id": "a1"}, {"task_id": "a1"}]}',
        '{"data": [[{"task_id": "a1"}]]}',
        '{"data": {"data": {"task_id": "a1"}}}',
        '{"TASK_ID": "a1", "task-id": "a1", "id": "a1"}',
    ],
)
def test_a_body_without_a_task_id_is_no_callback(body: str) -> None:
    with pytest.raises(NotACallback, match="task id") as refused:
        task_id(body)
    assert refused.value.field == "task_id"


@pytest.mark.parametrize(
    ("body", "one", "other"),
    [
        ('{"task_id": "a", "taskId": "b"}', "task_id", "taskId"),
        ('{"task_id": "", "taskId": "b"}', "task_id", "taskId"),
        ('{"data": {"task_id": "a", "taskId": "b"}}', "data.task_id", "data.taskId"),
        ('{"task_id": "a", "data": {"task_id": "b"}}', "task_id", "data.task_id"),
        ('{"taskId": "a", "data": {"taskId": "b", "instruments": "odd"}}', "taskId", "data.taskId"),
        ('{"task_id": "a", "taskId": "a", "data": [{"taskId": "A"}]}', "task_id", "data[0].taskId"),
    ],
)
def test_two_task_ids_that_differ_are_refused_wherever_they_stand(body: str, one: str, other: str) -> None:
    with pytest.raises(NotACallback) as refused:
        task_id(body)
    assert refused.value.field == one
    assert str(refused.value) == f"Expected one task id, but `{one}` and `{other}` differ."


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        ('{"task_id": 7}', "task_id", "a number"),
        ('{"taskId": -7.5}', "taskId", "a number"),
        ('{"task_id": true}', "task_id", "a boolean"),
        ('{"task_id": ["a"]}', "task_id", "an array"),
        ('{"data": {"task_id": 7}}', "data.task_id", "a number"),
        ('{"data": {"taskId": {}}}', "data.taskId", "an object"),
        ('{"data": [{"task_id": false}]}', "data[0].task_id", "a boolean"),
        ('{"task_id": "a1", "data": {"taskId": 7}}', "data.taskId", "a number"),
    ],
)
def test_a_task_id_is_a_string_never_a_number(body: str, field: str, kind: str) -> None:
    with pytest.raises(NotACallback) as refused:
        task_id(body)
    assert refused.value.field == field
    assert str(refused.value) == f"Expected a string at `{field}`, not {kind}."


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀"])
def test_a_task_id_has_1_to_200_characters(character: str) -> None:
    for length in (1, 2, 199, 200):
        assert task_id(json.dumps({"task_id": character * length})) == character * length
    for length in (0, 201, 5000):
        wrong = character * length
        for body, field in (
            ({"task_id": wrong}, "task_id"),
            ({"data": [{"taskId": wrong}]}, "data[0].taskId"),
        ):
            with pytest.raises(NotACallback) as refused:
                task_id(json.dumps(body))
            assert refused.value.field == field
            assert str(refused.value) == f"Expected 1 to 200 printable characters at `{field}`."


@pytest.mark.parametrize(
    "character",
    ["\x00", "\n", "\t", "\x1f", "\x7f", "\x85", "\u00a0", "\u2028", "\u200b", "\ufeff", "\ue000"],
)
def test_a_task_id_that_cannot_be_printed_is_refused(character: str) -> None:
    with pytest.raises(NotACallback, match="printable"):
        task_id(json.dumps({"task_id": f"a{character}b"}))


@pytest.mark.parametrize("code", ["200", "500", "0", "-1", "18446744073709551816", "9" * 100])
@pytest.mark.parametrize("data", ["{}", "7"])
def test_a_code_is_any_integer(code: str, data: str) -> None:
    assert task_id(f'{{"task_id": "a1", "code": {code}, "data": {data}}}') == "a1"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ("false", "a boolean"),
        ('"200"', "a string"),
        ('""', "a string"),
        ("200.0", "another number"),
        ("2e2", "another number"),
        ("200.5", "another number"),
        ("1e400", "another number"),
        ("9" * 5000, "another number"),
        ("[200]", "an array"),
        ("{}", "an object"),
    ],
)
def test_a_code_that_is_no_integer_is_refused_by_name(code: str, kind: str) -> None:
    with pytest.raises(NotACallback) as refused:
        task_id(f'{{"task_id": "a1", "code": {code}}}')
    assert refused.value.field == "code"
    assert str(refused.value) == f"Expected an integer at `code`, not {kind}."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("null", "null"),
        ("true", "a boolean"),
        ("7", "a number"),
        (' "a1"', "a string"),
        ("\r\n[]", "an array"),
        ('[{"task_id": "a1"}]', "an array"),
    ],
)
def test_json_that_is_no_object_is_no_callback(body: str, kind: str) -> None:
    with pytest.raises(NotACallback) as refused:
        task_id(body)
    assert refused.value.field == "body"
    assert str(refused.value) == f"Expected an object as the body, not {kind}."


# What JSON readers trip over.

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
        with pytest.raises(NotJson, match="nested deeper than 64"):
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
    ("body", "why"),
    [
        (b"", "The body is empty."),
        (b" \r\n\t", "The body is empty."),
        (b"{", "The body is not JSON: it ends too early,"),
        (b'{"task_id": "a1"', "The body is not JSON: it ends too early,"),
        (b'{"task_id": 7', "The body is not JSON: it ends too early,"),
        (b'{"task_id": "a1"} x', "The body is not JSON: trailing characters at byte 19."),
        (b'{"task_id": "a1"}{}', "The body is not JSON: trailing characters at byte 18."),
        (b'{"task_id": 7, "code": "x"} x', "The body is not JSON: trailing characters at byte 29."),
        (b'{"task_id": "a1",}', "The body is not JSON: trailing comma in object at byte 17."),
        (b'{"task_id": NaN}', "The body is not JSON: invalid character at byte 12."),
        (
            b'{"task_id": "\\ud800"}',
            "The body is not JSON: it ends too early, or with half of a surrogate pair.",
        ),
        (
            b'{"task_id": "\\ud800 and on"}',
            "The body is not JSON: unexpected end of escaped utf-16 surrogate pair at byte 19.",
        ),
        (b'["\\q"]', "The body is not JSON: invalid escaped character at byte 3."),
        (b'\xef\xbb\xbf{"task_id": "a1"}', "The body is not JSON: it starts with a byte order mark."),
        ('{"task_id": "a1"}'.encode("utf-16"), "The body is not UTF-8 at byte 0."),
        ('{"task_id": "a1"}'.encode("utf-16-le"), "The body is not JSON: "),
        ('{"task_id": "a1"}'.encode("utf-32"), "The body is not UTF-8 at byte 0."),
    ],
)
def test_a_body_that_is_not_one_whole_json_text_in_utf8_is_no_json_and_says_why(
    body: bytes, why: str
) -> None:
    with pytest.raises(NotJson) as refused:
        read_envelope(body)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    "body",
    [
        '{"task_id": "a", "code": 500, "task_id": "b", "code": 200}',
        '{"task_id": 7, "code": null, "task_id": "b", "code": 200}',
        '{"data": {"task_id": "a"}, "data": {"task_id": "c", "task_id": "b"}}',
        '{"data": 7, "data": {"task_id": [], "task_id": "b"}}',
    ],
)
def test_of_a_repeated_field_the_last_one_counts(body: str) -> None:
    assert task_id(body) == "b"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400])
@pytest.mark.parametrize(
    "place", ['"data": {"instruments": [%s]}', '"more": %s', '"success": %s', '"state": %s']
)
def test_numbers_that_overflow_are_left_to_whoever_reads_them(place: str, number: str) -> None:
    assert task_id(f'{{"task_id": "a1", "code": 200, {place % number}}}') == "a1"


@pytest.mark.parametrize("vendor", [AUTO, *SENDERS])
@pytest.mark.parametrize(
    "value", ["7", '"x"', "[]", "[7]", "[null]", "{}", '{"notes": 7}', '{"notes": [[]]}', "null"]
)
def test_only_the_task_id_matters_here_whatever_the_song_is(value: str, vendor: str) -> None:
    for place in (
        '"data": %s',
        '"data": [%s]',
        '"data": {"instruments": %s}',
        '"data": {"instruments": [%s]}',
    ):
        assert read_envelope(f'{{"task_id": "a1", {place % value}}}'.encode(), vendor).task_id == "a1"


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


def refusal_of(body: bytes) -> NotJson | NotACallback | None:
    try:
        read_envelope(body)
    except (NotJson, NotACallback) as refusal:
        return refusal
    return None


@given(st.binary(max_size=40) | nearly_json())
def test_no_body_raises_anything_but_that_it_is_no_json_or_no_callback(body: bytes) -> None:
    refusal = refusal_of(body)
    if refusal is None:
        reading = read_callback(body)
        assert read_envelope(body) == (reading.task_id, reading.dialect)
        return
    for inner in ("`str", "`int", "malformed", "truncated", "$", "Raw"):
        assert inner not in str(refusal)
    with pytest.raises(type(refusal)):
        read_callback(body)


@given(nearly_json())
def test_what_is_read_as_a_callback_is_json_for_everybody(body: bytes) -> None:
    try:
        found = read_envelope(body).task_id
    except (NotJson, NotACallback):
        return
    document = json.loads(body.decode("utf-8"), parse_constant=pytest.fail)
    data = document.get("data")
    song = data[0] if isinstance(data, list) and len(data) == 1 else data
    holders = [document, song] if isinstance(song, dict) else [document]
    assert {holder.get(name) for holder in holders for name in ("task_id", "taskId")} - {None} == {found}

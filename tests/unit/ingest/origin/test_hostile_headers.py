"""Headers that mean harm, or nothing: each is refused as not verified, never with another error."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from ingest.origin.guard import Guard
from ingest.origin.registry import VERIFIERS
from ingest.origin.verifier import Head, NotVerified
from tests.unit.ingest.origin.senders import NOW, SIGNED, TOKEN, guard, head, passes

GUARDS = {name: guard(name) for name in ["url-token", *SIGNED]}
EVERYTHING = guard(",".join(VERIFIERS))

SURROGATE = "\ud800"
OFTEN_WRONG = [
    "",
    " ",
    "0",
    "-1",
    "1e9",
    "nan",
    "1_700_000_000",
    "١٧٠٠٠٠٠٠٠٠",
    "v1,",
    "v1",
    ",",
    "sha256=",
    "=" * 44,
]

values = st.one_of(
    st.sampled_from([*OFTEN_WRONG, str(NOW)]),
    st.text(max_size=80),
    st.text(st.characters(codec=None), max_size=80),  # also what UTF-8 has not: lone surrogates
    st.binary(max_size=64).map(lambda raw: base64.b64encode(raw).decode()),
    st.binary(min_size=32, max_size=32).map(lambda raw: f"v1,{base64.b64encode(raw).decode()}"),
    st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256={raw.hex()}"),
    st.integers().map(str),
    st.integers(NOW - 301, NOW + 301).map(str),
    st.text("v1, =+A", max_size=300),
)
names = st.sampled_from(sorted({name for sign in SIGNED.values() for name in sign()}))
headers = st.lists(st.tuples(names, values), max_size=8)


@pytest.mark.parametrize("guarding", [*GUARDS.values(), EVERYTHING], ids=[*GUARDS, "everything"])
@given(fields=headers, token=st.none() | values, body=st.binary(max_size=50), task_id=values)
@example(fields=[], token=SURROGATE, body=b"", task_id="\ud800")
def test_whatever_the_headers_nothing_but_a_refusal_comes_of_them(
    guarding: Guard, fields: list[tuple[str, str]], token: str | None, body: bytes, task_id: str
) -> None:
    with pytest.raises(NotVerified, match=r"^Expected .*\.$"):
        passes(guarding, Head(token, CIMultiDict(fields), NOW), body, task_id)


@pytest.mark.parametrize("name", SIGNED)
@given(data=st.data())
def test_one_header_of_a_valid_request_that_is_otherwise_is_refused(name: str, data: st.DataObject) -> None:
    signed = SIGNED[name]()
    field = data.draw(st.sampled_from(sorted(signed)))
    other = data.draw(values.filter(lambda value: value.lower() != signed[field].lower()))
    with pytest.raises(NotVerified, match=r"^Expected .*\.$"):
        passes(GUARDS[name], head(signed | {field: other}))


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in SIGNED for field in SIGNED[name]()])
def test_a_header_that_is_missing_or_there_twice_is_refused_at_once(name: str, field: str) -> None:
    signed = SIGNED[name]()
    missing = {key: value for key, value in signed.items() if key != field}
    for sent in (head(missing), head(signed, {field: signed[field]}), head(signed, {field.upper(): "x"})):
        with pytest.raises(NotVerified, match=rf"^Expected the header {field}, once\.$"):
            GUARDS[name].head(sent)


@pytest.mark.parametrize(
    "timestamp",
    ["", "-1", "+1700000000", " 1700000000", "1700000000 ", "1700000000\n", "1700000000.0", "1_700_000_000", "1.7e9",
     "0x6553f100", "١٧٠٠٠٠٠٠٠٠", "1７00000000", "²", "nan", "9" * 12, "9" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("name", SIGNED)
def test_a_time_that_is_not_in_whole_unix_seconds_is_refused_at_once(name: str, timestamp: str) -> None:
    signed = SIGNED[name](timestamp=timestamp)
    with pytest.raises(NotVerified, match=r"-[Tt]imestamp to be the time in whole Unix seconds\.$"):
        GUARDS[name].head(head(signed))


@pytest.mark.parametrize("off", [-300, -299.5, 0, 299.5, 300])
@pytest.mark.parametrize("name", SIGNED)
def test_a_time_within_the_tolerance_is_verified(name: str, off: float) -> None:
    assert passes(GUARDS[name], head(SIGNED[name](), now=NOW + off)).verified


@pytest.mark.parametrize("off", [-1e9, -300.5, 300.5, 1e9])
@pytest.mark.parametrize("name", SIGNED)
def test_a_time_too_long_ago_or_too_far_ahead_is_refused_at_once(name: str, off: float) -> None:
    with pytest.raises(NotVerified, match=r"to be within 300 s of this server's clock\.$"):
        GUARDS[name].head(head(SIGNED[name](), now=NOW + off))


@pytest.mark.parametrize("name", SIGNED)
def test_the_tolerance_is_a_setting(name: str) -> None:
    strict = guard(name, timestamp_tolerance_seconds=2)
    assert passes(strict, head(SIGNED[name](), now=NOW + 2)).verified
    with pytest.raises(NotVerified, match="within 2 s"):
        strict.head(head(SIGNED[name](), now=NOW + 3))


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    "value", ["x" * 8_000_000, "v1," * 2_000_000, "v1,x " * 1_000_000, "\udcff" * 1_000_000]
)
def test_a_huge_header_is_refused_at_once(name: str, value: str) -> None:
    for field in SIGNED[name]():
        if field == "webhook-id":  # long, but an id like any other
            continue
        with pytest.raises(NotVerified) as refused:
            GUARDS[name].head(head(SIGNED[name]() | {field: value}))
        assert len(str(refused.value)) < 200


@given(fields=headers, token=st.none() | values)
def test_a_refusal_quotes_nothing_of_what_was_sent(fields: list[tuple[str, str]], token: str | None) -> None:
    marked = [(name, f"{value}swordfish") for name, value in fields]
    with pytest.raises(NotVerified) as refused:
        passes(EVERYTHING, Head(f"{token}swordfish", CIMultiDict(marked), NOW))
    assert not re.search(f"swordfish|{re.escape(TOKEN)}", str(refused.value))
    assert refused.value.__cause__ is None

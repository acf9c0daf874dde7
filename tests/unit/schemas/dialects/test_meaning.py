"""What a callback says of its task: success, failure, pending or invalid, as `schemas.dialects.meaning` has it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import Meaning, Reading, read_callback
from tests.unit.schemas.dialects.senders import ACEDATA, MIXTURES, SENDERS, SUNOAPI, failure, success


def read(fields: str, named: str = "auto") -> Reading:
    """What a callback with these fields beside its task id means."""
    return read_callback(f'{{"task_id": "a1", {fields}}}'.encode(), named)


@pytest.mark.parametrize("sender", SENDERS)
def test_each_senders_success_is_one(sender: str) -> None:
    reading = read_callback(success(sender))
    assert (reading.task_id, reading.dialect, reading.meaning) == ("a1", sender, Meaning.SUCCESS)


@pytest.mark.parametrize("sender", SENDERS)
def test_each_senders_failure_is_one_and_says_why(sender: str) -> None:
    reading = read_callback(failure(sender))
    assert (reading.task_id, reading.dialect, reading.meaning) == ("a1", sender, Meaning.FAILURE)
    assert reading.message == "no vocals"


@pytest.mark.parametrize("body", MIXTURES)
def test_a_mixture_is_a_success_too(body: bytes) -> None:
    assert read_callback(body).meaning is Meaning.SUCCESS


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(("state", "meaning"), [("running", Meaning.PENDING), ("Error", Meaning.FAILURE)])
def test_each_senders_state_is_looked_at(sender: str, state: str, meaning: Meaning) -> None:
    assert read_callback(success(sender).replace(b"complete", state.encode())).meaning is meaning


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("instruments", [7, "x", {}, True])
def test_each_senders_instruments_are_an_array(sender: str, instruments: object) -> None:
    reading = read_callback(success(sender, instruments))
    assert reading.meaning is Meaning.INVALID
    assert ".instruments` is neither an array nor null" in reading.message
    assert ("`data[0]." in reading.message) is (sender == ACEDATA)


def test_a_forced_dialect_has_its_own_sign_of_success() -> None:
    assert read_callback(success(SUNOAPI), ACEDATA).meaning is Meaning.INVALID
    assert read_callback(success(ACEDATA), SUNOAPI).meaning is Meaning.INVALID
    both = '"success": true, "code": 200, "data": [{"state": "complete", "instruments": []}]'
    assert read(both, ACEDATA).meaning is Meaning.SUCCESS
    assert read(both, SUNOAPI).meaning is Meaning.INVALID
    assert "not an object" in read(both, SUNOAPI).message


@pytest.mark.parametrize(
    "fields",
    [
        '"code": 200, "data": {"state": "complete", "instruments": []}',
        '"code": 200, "data": {"state": "complete", "instruments": [{"name": "Drums", "notes": []}]}',
        '"code": 200, "data": {"state": "Complete", "instruments": []}',
        '"code": 200, "data": {"state": "COMPLETE", "instruments": []}',
        '"code": 200, "data": {"state": "complete", "instruments": null}',
        '"code": 200, "data": {"state": "complete"}',
        '"code": 200, "data": {"instruments": []}',
        '"code": 200, "data": {"state": null}',
        '"code": 200, "data": {}',
        '"code": 200, "state": "complete", "data": {}',
        '"code": 200, "state": "running", "data": {"state": "complete"}',
        '"code": 200, "state": "failed", "data": {"state": "complete"}',
        '"code": 200, "state": 7, "data": {"state": "complete"}',
        '"code": 200, "success": false, "data": {}',
        '"code" : 200 ,\n "data" :\r\n\t { "instruments" :\n [ ] , "state" :\t "complete" }',
        r'"code": 200, "data": {"state": "\u0063omplete"}',
        '"code": 500, "code": 200, "data": {}',
        '"success": true, "data": [{"state": "complete", "instruments": []}]',
        '"success": true, "data": [{}]',
        '"success": true, "data": {}',
        '"success": true, "code": 500, "data": [{"instruments": null}]',
        '"success": true, "state": "COMPLETE", "data": [{"instruments": []}]',
    ],
)
def test_code_200_or_success_true_with_a_complete_song_is_a_success(fields: str) -> None:
    assert read(fields).meaning is Meaning.SUCCESS


@pytest.mark.parametrize(
    "fields",
    [
        '"code": 500',
        '"code": 500, "data": null',
        '"code": 500, "data": {"state": "complete", "instruments": []}',
        '"code": 500, "state": "running"',
        '"code": 0, "data": {}',
        '"code": 201, "data": {}',
        '"code": -200, "data": {}',
        '"code": 18446744073709551816, "data": {}',
        '"success": false',
        '"success" :\n false , "data": {"state": "running"}',
        '"success": false, "code": 200, "data": null',
        '"state": "failed"',
        '"state": "Failure"',
        '"state": "ERROR"',
        '"data": {"state": "failed"}',
        '"code": 200, "data": {"state": "error", "instruments": []}',
        '"code": 200, "state": "failed", "data": {}',
        '"code": 200, "state": "failed", "data": {"state": null}',
    ],
)
def test_another_code_or_success_false_or_a_state_that_says_so_is_a_failure(fields: str) -> None:
    assert read(fields).meaning is Meaning.FAILURE


@pytest.mark.parametrize(
    "fields",
    [
        '"state": "running"',
        '"state": "Queued"',
        '"state": " complete"',
        '"state": "complete."',
        '"data": {"state": "running"}',
        '"code": 200, "state": "running", "data": null',
        '"code": 200, "data": {"state": "running", "instruments": []}',
        '"success": true, "state": "running"',
        '"success": "false", "state": "running"',
        '"success": null, "state": "running"',
        '"success": 0, "state": "running"',
        '"state": "failed", "data": {"state": "running"}',
    ],
)
def test_another_word_as_state_is_pending(fields: str) -> None:
    assert read(fields).meaning is Meaning.PENDING


@pytest.mark.parametrize(
    "fields",
    [
        '"msg": "success"',
        '"code": 200',
        '"code": 200, "data": null',
        '"code": 200, "data": []',
        '"code": 200, "data": [{"state": "complete", "instruments": []}]',
        '"code": 200, "data": "complete"',
        '"code": 200, "data": 0',
        '"code": 200, "state": "complete"',
        '"code": 200, "data": {"instruments": {}}',
        '"code": 200, "data": {"instruments": "[]"}',
        '"code": 200, "data": {"instruments": 0}',
        '"code": 200, "data": {"instruments": true}',
        '"code": 200, "data": {"state": ""}',
        '"code": 200, "data": {"state": 1}',
        '"code": 200, "data": {"state": false}',
        '"code": 200, "data": {"state": ["complete"]}',
        '"code": 200, "data": {"state": {}}',
        '"code": 200, "state": 1, "data": {}',
        '"code": 200, "state": "running", "data": {"state": ""}',
        '"data": {"state": "complete", "instruments": []}',
        '"success": true, "data": []',
        '"success": true, "data": null',
        '"success": true, "data": [{}, {}]',
        '"success": true, "data": [[]]',
        '"success": true, "data": [7]',
        '"success": true, "data": [{"instruments": {}}]',
        '"success": true, "data": [{"state": 7}]',
        '"success": 1, "data": [{}]',
        '"success": "true", "data": [{}]',
        '"state": ""',
        '"state": null',
    ],
)
def test_all_else_is_invalid_and_says_why(fields: str) -> None:
    reading = read(fields)
    assert reading.meaning is Meaning.INVALID
    assert reading.message


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ('"data": {}', "`code` 200"),
        ('"data": [{}]', "`success` true"),
        ('"success": true, "data": [{}, {}]', "`data` is not an object or an array of one object"),
        ('"success": true, "data": [{"instruments": {}}]', "`data[0].instruments`"),
        ('"code": 200, "data": []', "`success` true"),
        ('"code": 200, "data": null', "`data` is not an object"),
        ('"code": 200, "data": {"state": 1}', "`state`"),
        ('"code": 200, "data": {"instruments": {}}', "`data.instruments`"),
    ],
)
def test_what_is_invalid_names_the_field(fields: str, named: str) -> None:
    assert named in read(fields).message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('"code": 500, "msg": "MIDI generation failed"', "MIDI generation failed"),
        ('"code": 500, "msg": "Zu Ende \\u2026"', "Zu Ende …"),
        ('"code": 500', "The sender gave no message."),
        ('"code": 500, "msg": null', "The sender gave no message."),
        ('"code": 500, "msg": ""', "The sender gave no message."),
        ('"code": 500, "msg": {"text": "no"}', "The sender gave no message."),
        ('"success": false, "error": {"code": "x", "message": "too short"}', "too short"),
        ('"success": false, "msg": "failed", "error": {"message": "too short"}', "failed"),
        ('"success": false, "error": {"message": 7}', "The sender gave no message."),
        ('"success": false, "error": "too short"', "The sender gave no message."),
    ],
)
def test_a_failure_has_the_senders_message(fields: str, message: str) -> None:
    assert read(fields).message == message


@pytest.mark.parametrize(
    "data", ['{"instruments": [ ]}', '{ "a":1e2 ,"b":"\\u0041"}', "[1]", "null", '"x"', "{}"]
)
def test_the_digest_is_of_the_raw_bytes_of_the_data(data: str) -> None:
    expected = hashlib.sha256(data.encode()).hexdigest()
    assert read(f'"code": 200, "data":{data}').digest == expected
    assert read(f'"msg": "again" , "data" :\n\t{data}\r\n , "code": 200').digest == expected


def test_the_same_song_written_otherwise_has_another_digest() -> None:
    assert read('"data": {"a": 1}').digest != read('"data": {"a":1}').digest


def by_the_rules(callback: dict[str, Any]) -> Meaning:
    """The four rules of `schemas.dialects.meaning` for all dialects, written once more, on decoded JSON."""
    data = callback.get("data")
    acedata = isinstance(data, list) or ("code" not in callback and callback.get("success") is not None)
    song = data[0] if acedata and isinstance(data, list) and len(data) == 1 else data
    state = song.get("state") if isinstance(song, dict) else None
    state = callback.get("state") if state is None else state
    word = state.lower() if isinstance(state, str) else None
    if (
        (callback.get("success") is True if acedata else callback.get("code") == 200)
        and (state is None or word == "complete")
        and isinstance(song, dict)
        and isinstance(song.get("instruments"), list | None)
    ):
        return Meaning.SUCCESS
    if callback.get("code", 200) != 200 or callback.get("success") is False:
        return Meaning.FAILURE
    if word in {"failed", "failure", "error"}:
        return Meaning.FAILURE
    return Meaning.PENDING if word not in {None, "", "complete"} else Meaning.INVALID


STATES: st.SearchStrategy[object] = st.sampled_from(
    ["complete", "Complete", "failed", "ERROR", "failure", "running", "", " ", None, 7, []]
)
VALUES = st.sampled_from([None, True, False, 0, 1.5, "", "false", [], {}, [1], {"a": 1}])
SONGS = st.fixed_dictionaries({}, optional={"state": STATES, "instruments": VALUES, "extra": VALUES})
CALLBACKS = st.fixed_dictionaries(
    {"task_id": st.just("a1")},
    optional={
        "code": st.sampled_from([200, 500, 0, -1, 2**70]),
        "success": VALUES,
        "state": STATES,
        "msg": VALUES,
        "data": SONGS | st.lists(SONGS | VALUES, max_size=2) | VALUES,
    },
)


@given(
    CALLBACKS,
    st.sampled_from([None, 1, "\t"]),
    st.sampled_from([(",", ":"), (" , ", " : "), ("\n,\r", "\t:")]),
)
def test_every_callback_means_what_the_rules_say_however_it_is_spaced(
    callback: dict[str, Any], indent: int | str | None, separators: tuple[str, str]
) -> None:
    body = json.dumps(callback, indent=indent, separators=separators).encode()
    assert read_callback(body).meaning is by_the_rules(callback)

"""`midi-ingest instruments`: what is known, and what a name means."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import pytest

from midi_ingest.commands.instruments import instruments
from tests.docs import INSTRUMENTS
from workers.music.names import DRUM_WORDS, GENERAL_MIDI


@pytest.fixture
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MIDI_INGEST_INSTRUMENT_ALIASES", "Скрипка=Violin, viola=40, Beatbox=drums, Flute=Flute"
    )


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The cells of each row."""
    return [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]


def test_all_programs_and_the_words_for_drums_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert instruments(output="json") == 0
    listed = printed(capsys)
    assert [one["program"] for one in listed["programs"]] == list(range(128))
    violin = {"name": "Violin", "rule": "spelling"}
    violins = {"name": "violins", "rule": "alias"}
    assert listed["programs"][40] == {
        "program": 40, "name": "Violin", "family": "Strings", "known_as": [violins, violin]
    }  # fmt: skip
    assert listed["drums"] == {"words": [*DRUM_WORDS], "known_as": []}
    known = [one["name"] for program in listed["programs"] for one in program["known_as"]]
    assert sorted(known) == sorted(meaning.known for meaning in GENERAL_MIDI)


@pytest.mark.usefixtures("_own")
def test_a_users_own_are_listed_where_they_play_and_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert instruments(output="json") == 0
    listed = printed(capsys)
    own = [{"name": name, "rule": "your alias"} for name in ("Скрипка", "viola")]
    assert [one for one in listed["programs"][40]["known_as"] if one["rule"] == "your alias"] == own
    assert listed["programs"][41]["known_as"] == []
    assert listed["drums"]["known_as"] == [{"name": "Beatbox", "rule": "your alias"}]


@pytest.mark.usefixtures("_own")
def test_the_table_shows_each_program_with_what_it_is_also_known_as(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert instruments() == 0
    shown = lines(capsys)
    assert "27 Electric Guitar (clean) Guitar guitar; electric guitar" in shown
    assert "40 Violin Strings Скрипка (yours); violins; viola (yours)" in shown
    assert "41 Viola Strings" in shown
    assert "73 Flute Pipe woodwinds; winds; flutes; Flute (yours)" in shown
    assert "124 Telephone Ring Sound Effects Door Creaking; Door; Scratch; Wind Chime" in shown
    assert "drums Beatbox (yours)" in shown
    assert any("drumkit, drumset, kit" in line for line in shown)


@pytest.mark.usefixtures("_own")
@pytest.mark.parametrize(
    ("name", "plays", "rule", "known", "by_word", "shown"),
    [
        ("VIOLIN", 40, "spelling", "Violin", False, "VIOLIN 40 Violin spelling 'Violin'"),
        ("скрипка", 40, "your alias", "Скрипка", False, "скрипка 40 Violin your alias 'Скрипка'"),
        ("Strings", 48, "alias", "strings", False, "Strings 48 String Ensembles 1 alias 'strings'"),
        ("Ethnic", 104, "family", "Ethnic", False, "Ethnic 104 Sitar family 'Ethnic'"),
        ("Lead Guitar", 27, "alias", "guitar", True,
         "Lead Guitar 27 Electric Guitar (clean) alias 'guitar', a word of it"),
        ("My Viola", 40, "your alias", "viola", True, "My Viola 40 Violin your alias 'viola', a word of it"),
        ("Rock Kit", None, "drum word", "kit", False, "Rock Kit drums, on channel 10 drum word 'kit'"),
        ("Beatbox", None, "your alias", "Beatbox", False, "Beatbox drums, on channel 10 your alias 'Beatbox'"),
    ],
)  # fmt: skip
def test_a_name_is_told_with_what_it_plays_and_by_which_rule(
    capsys: pytest.CaptureFixture[str],
    *,
    name: str,
    plays: int | None,
    rule: str,
    known: str,
    by_word: bool,
    shown: str,
) -> None:
    assert instruments(name, output="json") == 0
    assert printed(capsys) == [
        {
            "name": name,
            "program": plays or 0,
            "drums": plays is None,
            "rule": rule,
            "known": known,
            "by_word": by_word,
            "warning": None,
        }
    ]
    assert instruments(name) == 0
    assert shown in lines(capsys)


def test_an_unknown_name_exits_1_with_its_warning_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert instruments("Violin", "Скрипка", output="json") == 1
    assert printed(capsys)[1] == {
        "name": "Скрипка",
        "program": 0,
        "drums": False,
        "rule": None,
        "known": None,
        "by_word": False,
        "warning": "unknown-instrument",
    }
    assert instruments("Violin", "Скрипка") == 1
    shown = lines(capsys)
    assert any(line.startswith("Скрипка 0 Acoustic Grand Piano nothing: it is unknown") for line in shown)
    assert "MIDI_INGEST_INSTRUMENT_ALIASES='NAME=PROGRAM'" in shown[-1]


def test_names_in_the_order_given_and_even_an_empty_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert instruments("Flute", "", "Flute", output="json") == 1
    assert [(one["name"], one["program"]) for one in printed(capsys)] == [
        ("Flute", 73),
        ("", 0),
        ("Flute", 73),
    ]


def test_a_name_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    instruments("\x1b[31m[red]Kit\u202e")
    assert "\\x1b[31m[red]Kit\\u202e drums, on channel 10 drum word 'kit'" in lines(capsys)


def test_a_wrong_alias_is_told_by_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDI_INGEST_INSTRUMENT_ALIASES", "Fiddle=Violine")
    assert instruments("Fiddle") == 2
    assert "MIDI_INGEST_INSTRUMENT_ALIASES: the alias 'Fiddle' means 'Violine'" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_name_that_is_not_in_utf_8_can_be_in_no_callback(
    capsys: pytest.CaptureFixture[str], output: Literal["table", "json"]
) -> None:
    assert instruments("Flute", "Fl\udcfcgel", output=output) == 2
    assert "'Fl\\udcfcgel' is not in UTF-8" in capsys.readouterr().err


def test_what_the_page_shows_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    page = INSTRUMENTS.read_text()
    shown = re.findall(r"^\| `(.+)` \| (.+) \| (.+) \|$", page, re.MULTILINE)
    assert len(shown) >= 10
    assert instruments(*(name for name, *_ in shown)) == 1
    printed = lines(capsys)
    assert [row for row in map(" ".join, shown) if row not in printed] == []
    assert f"{', '.join(DRUM_WORDS[:-1])} or {DRUM_WORDS[-1]}" in page


def test_the_aliases_on_the_page_can_be_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (given,) = re.findall(
        r"^    MIDI_INGEST_INSTRUMENT_ALIASES='(.+)'$", INSTRUMENTS.read_text(), re.MULTILINE
    )
    monkeypatch.setenv("MIDI_INGEST_INSTRUMENT_ALIASES", given)
    assert instruments("Скрипка", "My Pad", "Beatbox 2", output="json") == 0
    assert [(one["program"], one["drums"]) for one in printed(capsys)] == [
        (40, False),
        (89, False),
        (0, True),
    ]

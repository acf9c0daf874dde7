"""What instruments' names mean."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from importlib.resources import files
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.music.names import DRUMS, FAMILIES, GENERAL_MIDI, PROGRAM_NAMES, Alias, Names, Rule, Sound

LIBRARIES: Final = ("miditok", "pretty_midi", "tonejs", "jzz")


def rows(table: str) -> list[list[str]]:
    text = files("workers.music").joinpath(table).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


def spellings() -> list[tuple[int, str, str]]:
    """Each cell of the table, with its program and its library."""
    return [
        (int(program), library, spelling)
        for program, *cells in rows("gm_names.tsv")
        for library, spelling in zip(LIBRARIES, cells, strict=True)
    ]


def noises() -> list[tuple[int, str]]:
    """Each part of the cells that list several names."""
    return [(program, part) for program, _, cell in spellings() if "," in cell for part in cell.split(", ")]


def compared(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def program_of(name: str) -> int | None:
    """The program of a name that is none of drums."""
    sound = GENERAL_MIDI.sound(name)
    assert sound is None or not sound.drums, name
    return sound.program if sound else None


def rule(names: Names, name: str) -> tuple[Rule, str, bool]:
    meaning = names.meaning(name)
    assert meaning
    assert meaning.sound == names.sound(name)
    return meaning.rule, meaning.known, meaning.by_word


def aliases(**programs: int) -> list[Alias]:
    return [(name, Sound(program)) for name, program in programs.items()]


# The tables


def test_the_table_has_four_spellings_for_each_of_the_128_programs() -> None:
    table = rows("gm_names.tsv")
    assert [int(row[0]) for row in table] == list(range(128))
    assert {len(row) for row in table} == {5}
    assert all(all(row) for row in table)


@pytest.mark.parametrize(
    ("program", "spelling"),
    [pytest.param(program, cell, id=f"{program}-{library}-{cell}") for program, library, cell in spellings()],
)
def test_a_spelling_means_its_program_in_any_case(program: int, spelling: str) -> None:
    for name in (spelling, spelling.lower(), spelling.upper(), spelling.swapcase()):
        assert program_of(name) == program
    assert rule(GENERAL_MIDI, spelling)[::2] == ("spelling", False)


@pytest.mark.parametrize(("program", "part"), noises())
def test_each_name_in_a_cell_that_lists_several_means_its_program(program: int, part: str) -> None:
    assert program_of(part) == program
    assert rule(GENERAL_MIDI, part) == ("spelling", part, False)


def test_no_two_programs_share_a_spelling() -> None:
    programs = defaultdict(set)
    for program, _, cell in spellings():
        for spelling in (cell, *cell.split(",")):
            programs[compared(spelling)].add(program)
    assert "" not in programs
    assert [name for name, found in programs.items() if len(found) > 1] == []


@pytest.mark.parametrize(("alias", "program"), rows("aliases.tsv"), ids=" ".join)
def test_an_alias_means_its_program(alias: str, program: str) -> None:
    assert program_of(alias) == int(program)


def test_no_alias_contradicts_a_spelling_or_another_alias() -> None:
    known = {compared(cell): program for program, _, cell in spellings()}
    common = rows("aliases.tsv")
    assert all(known.get(compared(alias), int(program)) == int(program) for alias, program in common)
    assert len({compared(alias) for alias, _ in common}) == len(common)


ALIASED: Final = {"Guitar": 27, "Bass": 33, "Strings": 48, "Brass": 61, "Synth Lead": 81, "Synth Pad": 89}


@pytest.mark.parametrize(("index", "family"), list(enumerate(FAMILIES)))
def test_a_family_means_its_first_program_unless_an_alias_says_otherwise(index: int, family: str) -> None:
    assert program_of(family) == ALIASED.get(family, 8 * index)


def test_every_program_has_a_name_by_which_it_is_known() -> None:
    assert [program_of(name) for name in PROGRAM_NAMES] == list(range(128))


def test_all_names_that_are_known_are_listed_once_each_with_what_it_means() -> None:
    listed = {compared(meaning.known): meaning for meaning in GENERAL_MIDI}
    names = [spelling for _, _, spelling in spellings()] + [part for _, part in noises()]
    names += [alias for alias, _ in rows("aliases.tsv")] + [*FAMILIES]
    assert listed.keys() == set(map(compared, names))
    assert len(list(GENERAL_MIDI)) == len(listed)
    assert all(GENERAL_MIDI.meaning(meaning.known) == meaning for meaning in GENERAL_MIDI)


# Whole names


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("string-ensemble_1", 48),
        ("  STRING   ENSEMBLES 2 ", 49),
        ("Lead 8: bass/lead", 87),
        ("Seashore Rain Thunder Wind Stream Bubbles", 122),
        ("🎻 Violin 🎻", 40),
        ("Скрипка: Violin", 40),
        ("Vi\u0301olin", 40),  # a combining accent is none of its letters
        ("V\u0130OL\u0130N", 40),  # the lower case of a dotted İ is i and a combining dot
        ("\u212aeys", 0),  # the lower case of the Kelvin sign is k
        ("Vio\x00lin\u200b", 40),
    ],
)
def test_a_whole_name_is_compared_by_its_letters_and_digits(name: str, program: int) -> None:
    assert program_of(name) == program


WHOLE_NAMES: Final = sorted({spelling for _, _, spelling in spellings()} | {part for _, part in noises()})
between = st.text(st.characters().filter(lambda c: not compared(c)), max_size=3)


@given(st.data())
def test_neither_case_nor_what_stands_between_letters_changes_a_whole_name(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*WHOLE_NAMES, *FAMILIES, *(alias for alias, _ in rows("aliases.tsv"))]))
    written = "".join(
        data.draw(between) + data.draw(st.sampled_from([character.lower(), character.upper()]))
        for character in compared(name)
    )
    assert GENERAL_MIDI.meaning(written + data.draw(between)) == GENERAL_MIDI.meaning(name)


# Names that look alike


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Synth Drum", 118),
        ("Steel Drums", 114),
        ("SteelDrums", 114),
        ("Taiko Drum", 116),
        ("Chromatic Percussion", 8),
        ("Percussive", 112),
        ("Percussive Organ", 17),
        ("Synth Bass", 38),
        ("Synth Effects", 96),
        ("Sound Effects", 120),
        ("Bass Guitar", 33),
        ("Guitar Bass", 33),
        ("Clavi", 7),
        ("Clavinet", 7),
        ("Door", 124),
        ("Wind", 122),
        ("Winds", 73),
        ("Fiddle", 110),
        ("Voice", 54),
        ("Voice Oohs", 53),
        ("Organ Kitchen", 16),
        ("Taiko", None),
        ("Tom", None),
        ("Pianos", None),
        ("drumming", None),
        ("Percussionist", None),
        ("Kitten", None),
    ],
)
def test_a_name_is_not_taken_for_one_that_looks_like_it(name: str, program: int | None) -> None:
    assert program_of(name) == program


@pytest.mark.parametrize(
    "name",
    [
        "Drums",
        "Drum",
        "Drumkit",
        "Drum Kit",
        "Drum-kit",
        "drum_kit_1",
        "DrumSet 2",
        "Kit",
        "Perc.",
        "Percussion",
        "percussions",
        "Drum1",
        "Rock Kit",
        "Synth Drums",
        "Steel Drum",
        "Taiko Drums",
        "Drum & Bass",
        "Violin & Drums",
        "Drums Violin",
        "Acoustic Piano Percussion",
        "Chromatic Percussion 1",
        "8drums8",
        "ドラム Drum",
    ],
)
def test_a_word_for_drums_makes_drums_of_a_name_that_is_none_as_a_whole(name: str) -> None:
    assert GENERAL_MIDI.sound(name) == DRUMS


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Violin 1", 40),
        ("Lead Guitar", 27),
        ("Lead Violin", 40),
        ("Violin Lead", 81),
        ("Guitar and Bass", 33),
        ("Bass and Guitar", 27),
        ("Strings (legato)", 48),
        ("Soft Ensemble", 48),
        ("Little Reed", 64),
        ("piano2", 0),
        ("Solo-Flute/dry", 73),
        ("ElectricGuitar (my)", 27),
        ("鋼琴 Cello 1", 42),
        ("Guitar in the Rain", 27),
        ("V\u0130OL\u0130N or Cello", 42),
        ("ReverseCymbal 2", 119),
    ],
)
def test_else_the_last_word_that_is_known_by_itself_counts(name: str, program: int) -> None:
    assert program_of(name) == program
    assert rule(GENERAL_MIDI, name)[2]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\n\t",
        "42",
        "???",
        "\x00",
        "🎻",
        "Скрипка",
        "鋼琴",
        "피아노",
        "كمان",
        "Ｐｉａｎｏ",
        "V\u0131olin",  # a dotless ı is no i
        "V\u0130OL\u0130N 1",  # its dots part the words
        "Violín",
        "Baß",
        "Thing",
        "Rain of Doors",
        "A Door Slams",
    ],
)
def test_a_name_that_says_nothing_is_unknown(name: str) -> None:
    assert GENERAL_MIDI.sound(name) is None
    assert GENERAL_MIDI.meaning(name) is None


# The order of the rules: of two that hold, the first counts

OWN: Final = Names(
    [
        *aliases(violin=110, guitar=30),
        ("Drum & Bass", Sound(38)),
        ("Скрипка 1", Sound(40)),
        ("1", Sound(9)),
    ]
)


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        pytest.param(OWN, "скрипка 1", ("your alias", "Скрипка 1", False), id="own whole, own"),
        pytest.param(OWN, "Violin", ("your alias", "violin", False), id="own, spelling"),
        pytest.param(OWN, "Guitar", ("your alias", "guitar", False), id="own, alias and family"),
        pytest.param(OWN, "Drum & Bass", ("your alias", "Drum & Bass", False), id="own, drum word"),
        pytest.param(GENERAL_MIDI, "Accordion", ("spelling", "Accordion", False), id="spelling, alias"),
        pytest.param(GENERAL_MIDI, "Strings", ("alias", "strings", False), id="alias, family"),
        pytest.param(GENERAL_MIDI, "Synth Drum", ("spelling", "Synth Drum", False), id="spelling, drum word"),
        pytest.param(
            GENERAL_MIDI, "Chromatic Percussion", ("family", "Chromatic Percussion", False), id="family, drum word"
        ),
        pytest.param(GENERAL_MIDI, "Violin Kit", ("drum word", "kit", False), id="drum word, word"),
        pytest.param(OWN, "My Guitar Kit", ("drum word", "kit", False), id="drum word, own word"),
        pytest.param(OWN, "My Guitar", ("your alias", "guitar", True), id="own word, alias word"),
        pytest.param(OWN, "My Violin", ("your alias", "violin", True), id="own word, spelling word"),
        pytest.param(GENERAL_MIDI, "My Accordion", ("alias", "accordion", True), id="alias word, spelling word"),
        pytest.param(GENERAL_MIDI, "My Strings", ("alias", "strings", True), id="alias word, family word"),
        pytest.param(GENERAL_MIDI, "My Cello", ("spelling", "Cello", True), id="spelling word"),
        pytest.param(GENERAL_MIDI, "My Reed", ("family", "Reed", True), id="family word"),
        pytest.param(OWN, "Guitar, Cello", ("spelling", "Cello", True), id="last word, own word"),
    ],
)  # fmt: skip
def test_of_two_rules_that_hold_the_first_counts(
    names: Names, name: str, expected: tuple[Rule, str, bool]
) -> None:
    assert rule(names, name) == expected


# A user's aliases


def test_a_users_aliases_come_before_everything() -> None:
    names = Names([*aliases(Violin=110, drums=47, strings=44), ("My-Thing", Sound(5))])
    assert names.sound("violin") == Sound(110)
    assert names.sound("my thing") == Sound(5)
    assert names.sound("Drums") == Sound(47)
    assert names.sound("Violin 2") == Sound(110)
    assert names.sound("Strings (legato)") == Sound(44)
    assert names.sound("Drums 2") == DRUMS
    assert names.sound("Viola") == Sound(41)
    assert GENERAL_MIDI.sound("violin") == Sound(40)


def test_a_users_alias_may_mean_drums_as_a_whole_and_as_a_word() -> None:
    names = Names([("Beatbox", DRUMS), ("Violin", DRUMS)])
    assert [names.sound(name) for name in ("BEATBOX!", "Beatbox 2", "Violin")] == [DRUMS] * 3
    assert names.sound("Beatbox and Guitar") == Sound(27)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Скрипка", "Скрипка"),
        ("Скрипка", " СКРИПКА\n"),
        ("Скрипка 2", "скрипка 2"),
        ("鋼琴", "鋼琴"),
        ("Ｐｉａｎｏ", "ＰＩＡＮＯ"),
        ("ΚΙΘΑΡΑΣ", "κιθαρας"),
        ("Σς", "σσ"),
        ("ч\u0438\u0306", "Чй"),
        ("피아노", unicodedata.normalize("NFD", "피아노")),
        ("\u1f82", unicodedata.normalize("NFD", "\u1f82")),
        ("🎻", "🎻"),
        ("???", "???"),
    ],
)
def test_an_alias_without_a_letter_a_to_z_is_compared_whole(alias: str, name: str) -> None:
    assert Names([(alias, Sound(40))]).sound(name) == Sound(40)


@pytest.mark.parametrize("name", ["Гитара 2", "Скрипка", "Скрипка 3", "Моя Скрипка 2", "2", "Скрипка2", ""])
def test_an_alias_that_is_compared_whole_names_nothing_else(name: str) -> None:
    assert Names([("Скрипка 2", Sound(40))]).sound(name) is None


def test_an_alias_of_digits_alone_is_compared_as_digits() -> None:
    assert Names([("808", DRUMS)]).sound("(808)") == DRUMS


def test_beside_aliases_that_are_compared_whole_other_names_mean_what_they_did() -> None:
    names = Names([("Скрипка", Sound(40)), ("鋼琴", DRUMS)])
    assert {name: names.meaning(name) for name in WHOLE_NAMES} == {
        name: GENERAL_MIDI.meaning(name) for name in WHOLE_NAMES
    }


def test_a_users_aliases_are_listed_instead_of_what_they_replace() -> None:
    names = Names([("Скрипка", Sound(40)), ("violin", Sound(110)), ("Beatbox", DRUMS)])
    own = {meaning.known: meaning.sound for meaning in names if meaning.rule == "your alias"}
    assert own == {"Скрипка": Sound(40), "violin": Sound(110), "Beatbox": DRUMS}
    assert "Violin" not in {meaning.known for meaning in names}


@pytest.mark.parametrize("program", [-1, 128])
def test_an_alias_for_no_program_is_refused_by_name(program: int) -> None:
    with pytest.raises(ValueError, match=f"'Fiddle' has program {program}"):
        Names([("Fiddle", Sound(program))])


def test_the_aliases_bounds_are_programs() -> None:
    names = Names(aliases(lowest=0, highest=127))
    assert names.sound("lowest") == Sound(0)
    assert names.sound("highest") == Sound(127)


@pytest.mark.parametrize("name", ["", " \n"])
def test_a_blank_alias_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is blank"):
        Names([(name, Sound(0))])


@pytest.mark.parametrize(
    ("one", "other"), [("My Pad", "my-pad"), ("Скрипка", "СКРИПКА "), ("808", "8 0 8"), ("й", "\u0438\u0306")]
)
def test_two_aliases_that_are_compared_alike_are_refused_unless_they_mean_the_same(
    one: str, other: str
) -> None:
    with pytest.raises(ValueError, match=f"{one!r} and {other!r} are compared alike"):
        Names([(one, Sound(1)), (other, Sound(2))])
    with pytest.raises(ValueError, match="mean two sounds"):
        Names([(one, Sound(0)), (other, DRUMS)])
    assert Names([(one, Sound(1)), (other, Sound(1))]).sound(other) == Sound(1)


# Long names


@pytest.mark.parametrize("unit", ["a", "é, ", "drumm ", "guitar ", "Ⱥ", "\u0301\u0316", " ", "1"])
def test_a_name_of_a_megabyte_takes_no_more_than_its_length(unit: str) -> None:
    """With quadratic time, as of NFD on alternating accents, this would take a quarter of an hour."""
    names = Names([("Скрипка", Sound(40))])
    long = unit * (1_000_000 // len(unit))
    assert names.sound(long) == (Sound(27) if unit == "guitar " else None)
    assert names.sound(f"{long} Kit") == DRUMS

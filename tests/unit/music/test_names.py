"""What instruments' names mean."""

from __future__ import annotations

from importlib.resources import files

import pytest

from workers.music.names import DRUMS, FAMILIES, GENERAL_MIDI, Names, Sound


def rows(table: str) -> list[list[str]]:
    text = files("workers.music").joinpath(table).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


def test_the_table_has_four_spellings_for_each_of_the_128_programs() -> None:
    table = rows("gm_names.tsv")
    assert [int(row[0]) for row in table] == list(range(128))
    assert {len(row) for row in table} == {5}
    assert all(all(row) for row in table)


def test_every_spelling_means_its_program_and_so_does_each_part_of_a_list() -> None:
    for program, *spellings in rows("gm_names.tsv"):
        for spelling in spellings:
            for name in [spelling, spelling.upper(), *spelling.split(", ")]:
                assert GENERAL_MIDI.sound(name) == Sound(int(program)), name


def test_every_alias_means_its_program() -> None:
    for alias, program in rows("aliases.tsv"):
        assert GENERAL_MIDI.sound(alias) == Sound(int(program)), alias


def test_every_family_means_its_first_program_unless_an_alias_says_otherwise() -> None:
    aliased = {"Guitar": 27, "Bass": 33, "Strings": 48, "Brass": 61, "Synth Lead": 81, "Synth Pad": 89}
    for index, family in enumerate(FAMILIES):
        assert GENERAL_MIDI.sound(family) == Sound(aliased.get(family, 8 * index)), family


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Acoustic Grand Piano", 0),
        ("Electric Bass (finger)", 33),
        ("Synth Voice", 54),
        ("String Ensembles 1", 48),
        ("string-ensemble_1", 48),
        ("  STRING   ENSEMBLES 2 ", 49),
        ("Clavi", 7),
        ("Lead 8 (bass + lead)", 87),
        ("Steel Drums", 114),
        ("Taiko Drum", 116),
        ("Synth Drum", 118),
        ("Door", 124),
        ("Wind", 122),
        ("Guitar Fret Noise, Guitar Cutting Noise", 120),
        ("Percussive", 112),
        ("Chromatic Percussion", 8),
        ("Sound Effects", 120),
        ("Synth Effects", 96),
        ("\u212aeys", 0),
    ],
)
def test_a_whole_name_is_compared_by_its_letters_and_digits(name: str, program: int) -> None:
    assert GENERAL_MIDI.sound(name) == Sound(program)


@pytest.mark.parametrize(
    "name",
    [
        "Drums",
        "Drum",
        "Drumkit",
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
        "Violin & Drums",
        "Acoustic Piano Percussion",
        "8drums8",
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
        ("Strings (legato)", 48),
        ("Soft Ensemble", 48),
        ("Little Reed", 64),
        ("piano2", 0),
        ("Solo-Flute/dry", 73),
        ("ElectricGuitar (my)", 27),
        ("鋼琴 Cello 1", 42),
        ("Guitar in the Rain", 27),
        ("Organ Kitchen", 16),
    ],
)
def test_else_the_last_word_that_is_known_by_itself_counts(name: str, program: int) -> None:
    assert GENERAL_MIDI.sound(name) == Sound(program)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "42",
        "???",
        "Скрипка",
        "鋼琴",
        "Ｐｉａｎｏ",
        "Thing",
        "Rain of Doors",
        "A Door Slams",
        "Pianos",
        "drumming",
    ],
)
def test_a_name_that_says_nothing_is_unknown(name: str) -> None:
    assert GENERAL_MIDI.sound(name) is None


def test_a_users_aliases_come_before_everything() -> None:
    names = Names({"Violin": 110, "My-Thing": 5, "drums": 47, "strings": 44})
    assert names.sound("violin") == Sound(110)
    assert names.sound("my thing") == Sound(5)
    assert names.sound("Drums") == Sound(47)
    assert names.sound("Violin 2") == Sound(110)
    assert names.sound("Strings (legato)") == Sound(44)
    assert names.sound("Drums 2") == DRUMS
    assert names.sound("Viola") == Sound(41)
    assert GENERAL_MIDI.sound("violin") == Sound(40)


@pytest.mark.parametrize("program", [-1, 128])
def test_an_alias_for_no_program_is_refused_by_name(program: int) -> None:
    with pytest.raises(ValueError, match=f"'Fiddle' has program {program}"):
        Names({"Fiddle": program})


def test_an_alias_with_nothing_to_compare_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'鋼琴'"):
        Names({"鋼琴": 0})


def test_the_aliases_bounds_are_programs() -> None:
    names = Names({"lowest": 0, "highest": 127})
    assert names.sound("lowest") == Sound(0)
    assert names.sound("highest") == Sound(127)

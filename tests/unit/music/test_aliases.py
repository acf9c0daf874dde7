"""A user's aliases as text."""

from __future__ import annotations

import pytest

from workers.music.aliases import read_aliases
from workers.music.names import DRUMS, Sound


@pytest.mark.parametrize(
    ("text", "aliases"),
    [
        ("", ()),
        (" , ", ()),
        ("Fiddle=40", (("Fiddle", Sound(40)),)),
        (" My  Pad = 088 ,Beatbox=drums,", (("My  Pad", Sound(88)), ("Beatbox", DRUMS))),
        ("A=0,B=127", (("A", Sound(0)), ("B", Sound(127)))),
        ("Скрипка=Violin,鋼琴=Piano", (("Скрипка", Sound(40)), ("鋼琴", Sound(0)))),
        ("Pad=pad 1 - NEW AGE", (("Pad", Sound(88)),)),
        ("Low=Bass,Hi=Lead 8 (bass + lead)", (("Low", Sound(33)), ("Hi", Sound(87)))),
        ("Ethno=Ethnic,Wet=Rain", (("Ethno", Sound(104)), ("Wet", Sound(122)))),
        ("808=Drum Kit,909=percussion", (("808", DRUMS), ("909", DRUMS))),
        ("Steel=Steel Drums", (("Steel", Sound(114)),)),
        ("a=b=40", (("a=b", Sound(40)),)),
    ],
)
def test_an_alias_is_a_name_and_what_it_means(text: str, aliases: tuple[tuple[str, Sound], ...]) -> None:
    assert read_aliases(text) == aliases


@pytest.mark.parametrize("written", ["Fiddle", "40", "=40", " = 40", "="])
def test_what_names_nothing_is_refused_with_how_it_is_written(written: str) -> None:
    with pytest.raises(ValueError, match=r"is no alias: expected a name, = and .* Fiddle=40$") as refused:
        read_aliases(f"Good=40,{written}")
    assert repr(written.strip()) in str(refused.value)


@pytest.mark.parametrize(
    "meaning",
    ["", "-1", "+1", "40.0", "1000", "٤٠", "Fidel", "Violin 2", "New Age Pad", "Скрипка", "9" * 5000],
)
def test_what_is_no_known_name_as_a_whole_is_refused(meaning: str) -> None:
    with pytest.raises(
        ValueError, match=r"the alias 'Mine' means .* is no known name.* from 0 to 127"
    ) as refused:
        read_aliases(f"Good=40,Mine={meaning}")
    assert repr(meaning) in str(refused.value)


@pytest.mark.parametrize(
    ("meaning", "meant"), [("Violine", "Violin"), ("FLOTE", "Flute"), ("Pad 1 (new ages)", "Pad 1 (new age)")]
)
def test_the_name_that_may_be_meant_is_told(meaning: str, meant: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its message is compared below
        read_aliases(f"Mine={meaning}")
    assert f"Did you mean {meant}?" in str(refused.value)


def test_what_is_not_in_utf_8_is_refused_since_no_name_in_a_callback_is() -> None:
    with pytest.raises(ValueError, match=r"'Fl\\udcfcgel=0' is not in UTF-8"):
        read_aliases("Fl\udcfcgel=0")

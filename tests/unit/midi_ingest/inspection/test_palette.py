"""The colours can be told apart, from each other and from the page, by those who see few colours too."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from midi_ingest.inspection.palette import DARK, LIGHT, Theme, colour_numbers, terminal_styles
from midi_ingest.inspection.song import Note, Part

Colours = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# Linear sRGB as it is seen (Machado, Oliveira and Fernandes 2009, severity 1.0).
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# To OKLab, in which distances are as they seem (Björn Ottosson 2020).
TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_OKLAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def linear(colour: str) -> Colours:
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colour: str, sight: str) -> Colours:
    """A colour in OKLab, as someone sees it."""
    shown = np.clip(np.asarray(SIGHTS[sight]) @ linear(colour), 0, 1)
    lms = np.asarray(TO_LMS) @ shown
    return np.asarray(TO_OKLAB) @ np.cbrt(lms)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    dark, light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_two_colours_are_told_apart_by_any_sight(theme: Theme, sight: str) -> None:
    colours = [*theme.parts, theme.drums]
    assert len(theme.parts) >= 16
    distances = {(a, b): np.linalg.norm(seen(a, sight) - seen(b, sight)) for a, b in combinations(colours, 2)}
    assert min(distances.values()) >= 0.07, min(distances, key=lambda pair: distances[pair])


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_stands_out_from_the_page(theme: Theme) -> None:
    assert min(contrast(colour, theme.page) for colour in [*theme.parts, theme.drums]) >= 3
    assert min(contrast(ink, theme.page) for ink in (theme.ink, theme.faint)) >= 4.5


def part(channel: int, *notes: Note) -> Part:
    return Part(0, "", channel, [0], notes)


def test_colours_go_to_parts_with_notes_in_turn_and_come_again() -> None:
    note = Note(0, 1, 60, 64)
    parts = [part(1, note), part(10, note), part(2), part(3, note), *[part(4, note)] * 15]
    assert colour_numbers(parts, 16) == [0, None, None, 1, *range(2, 16), 0]
    styles = terminal_styles(parts)
    assert styles[1] == styles[2] == ""
    assert len(set(styles)) == 13

"""The colours of the parts: each has one, drums are neutral; where there are more parts than colours they come again.

Both palettes were found by search for the largest least distance (OKLab) between any two of them and the neutral one,
for normal sight and as protanopia, deuteranopia and tritanopia see them (Machado, Oliveira and Fernandes 2009), at a
contrast of 3:1 or more to the page (WCAG 2.2, 1.4.11). The strongest come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

from midi_ingest.inspection.song import Part


class Theme(NamedTuple):
    """The colours of a picture: of the page, and of what is drawn and written on it."""

    page: str
    ink: str
    faint: str
    keys: str
    second: str
    mark: str
    octave: str
    drums: str
    parts: Sequence[str]


LIGHT: Final = Theme(
    page="#ffffff",
    ink="#1c1f23",
    faint="#5a626b",
    keys="#f4f5f7",
    second="#eceef1",
    mark="#d3d8dd",
    octave="#bcc3ca",
    drums="#7a7a7a",
    parts=(
        "#009ad4", "#fe241f", "#3f9100", "#9444d0", "#fb4dc5", "#091c94", "#5f1814", "#00573b",
        "#cf7f69", "#d70bff", "#066aa3", "#77006b", "#0803f0", "#a10a07", "#5e00c0", "#b60188",
    ),
)  # fmt: skip
DARK: Final = Theme(
    page="#14161a",
    ink="#e8eaed",
    faint="#a2abb5",
    keys="#1a1d22",
    second="#22262c",
    mark="#343a42",
    octave="#4a525c",
    drums="#9a9a9a",
    parts=(
        "#00a4ff", "#ff576c", "#06ff04", "#d4b1ff", "#c37100", "#ff59f8", "#29d6c1", "#d5e397",
        "#8844fe", "#9ac107", "#fca586", "#02a15d", "#cf01b0", "#0070a9", "#616903", "#8a5075",
    ),
)  # fmt: skip

_IN_TERMINALS: Final = (
    "cyan", "magenta", "yellow", "green", "blue", "red",
    "bright_cyan", "bright_magenta", "bright_yellow", "bright_green", "bright_blue", "bright_red",
)  # fmt: skip


def colour_numbers(parts: Sequence[Part], colours: int = len(LIGHT.parts)) -> list[int | None]:
    """A number below ``colours`` for each part, in their order; none for drums and for parts without notes."""
    numbers = count()
    return [None if part.drums or not part.notes else next(numbers) % colours for part in parts]


def terminal_styles(parts: Sequence[Part]) -> list[str]:
    """A style for each part, in colours that the terminal's own theme sets; drums have none."""
    numbers = colour_numbers(parts, len(_IN_TERMINALS))
    return ["" if number is None else _IN_TERMINALS[number] for number in numbers]


def style_sheet() -> str:
    """CSS for what a picture has, in both themes."""
    return f"{_rules(LIGHT)}@media(prefers-color-scheme:dark){{{_rules(DARK)}}}"


def _rules(theme: Theme) -> str:
    fills = {"page": theme.page, "ink": theme.ink, "faint": theme.faint}
    lines = {"keys": theme.keys, "second": theme.second, "mark": theme.mark, "octave": theme.octave}
    parts = {"drums": theme.drums} | {f"c{number}": colour for number, colour in enumerate(theme.parts)}
    return "".join([*_each("fill", fills), *_each("stroke", lines | parts)])


def _each(what: str, colours: dict[str, str]) -> Iterator[str]:
    return (f".{name}{{{what}:{colour}}}" for name, colour in colours.items())

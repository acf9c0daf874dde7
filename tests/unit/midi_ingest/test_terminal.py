"""What senders wrote is shown, and steers nothing."""

from __future__ import annotations

import pytest

from midi_ingest.terminal import counted, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Für Elise\nschön ♪", "Für Elise\nschön ♪"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b2J\x07\r", "\\x9b2J\\x07\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\tb", "a    b"),
    ],
)
def test_characters_that_would_steer_a_terminal_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_numbers_come_with_their_word() -> None:
    assert [counted(n, "letter") for n in (0, 1, 1200)] == ["0 letters", "1 letter", "1,200 letters"]

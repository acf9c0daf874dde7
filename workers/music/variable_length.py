"""Quantities of variable length, in which a file writes gaps and lengths (Standard MIDI Files 1.0)."""

from __future__ import annotations


def variable_length(value: int) -> bytes:
    """A quantity in groups of seven bits, the highest first; all but the last byte have their top bit set."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))

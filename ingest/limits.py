"""What the ingress holds at once is bounded."""

from __future__ import annotations


class Budget:
    """Bytes of bodies that are held at once: arriving, or waiting for Kafka or the disk."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.taken_bytes = 0

    def take(self, length_bytes: int) -> bool:
        """Whether so many bytes more may be held; if so they count until `give`. The first may be any number."""
        if self.taken_bytes and self.taken_bytes + length_bytes > self._limit_bytes:
            return False
        self.taken_bytes += length_bytes
        return True

    def overdraw(self, length_bytes: int) -> None:
        """Count so many bytes more, whatever the limit: others are just about to give theirs back."""
        self.taken_bytes += length_bytes

    def give(self, length_bytes: int) -> None:
        """Count so many bytes no longer."""
        self.taken_bytes -= length_bytes

"""Stored tasks run again, past the deduplication."""

"""One task's way through the topics."""

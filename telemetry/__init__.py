"""What a running process tells of itself: logs, metrics, health."""

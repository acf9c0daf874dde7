"""Benchmarks of the music: see `__main__`."""

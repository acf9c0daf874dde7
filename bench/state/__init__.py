"""Benchmarks of a worker's state: see `__main__`."""

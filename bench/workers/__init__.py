"""What the runtime costs, how long a song takes and how many a second there can be: ``python -m bench.workers``."""

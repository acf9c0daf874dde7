"""What a callback costs the ingress, how long it waits and what memory it takes: ``python -m bench.ingress``."""

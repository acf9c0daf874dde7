"""Benchmarks, each against a baseline in the same run: ``python -m bench.ingress``, ``python -m bench.workers``.

They print tables and write JSON to ``bench/results/``. Take the ratios, not the times: times are one machine's.
"""

"""The servers that the ingress is compared with, each a process of its own: ``python -m bench.servers.bare PORT``."""

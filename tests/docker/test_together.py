"""The profiles that change settings, both at once, beside one that does not."""

from __future__ import annotations

from pathlib import Path

from tests.docker.stack import WORKERS, checkout, needs_image


def test_songs_come_through_a_cluster_to_an_object_store(tmp_path: Path) -> None:
    needs_image("PROMETHEUS_IMAGE")
    needs_image("S3_IMAGE")
    with checkout(tmp_path, "cluster", "s3", "observability", KAFKA_HEAP_OPTS="-Xmx400m") as stack:
        stack.up("--build", "prometheus", "ingest", *WORKERS)
        stack.smoke()

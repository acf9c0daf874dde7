"""For tests of your own workers: what runs them in production, without Kafka.

from midi_ingest.testing import Harness

def test_the_loudest_note_is_found() -> None:
    harness = Harness(loudest)
    assert harness.send(score) == [Loudest(instrument="Piano", pitch=64, velocity=90)]

`Harness` runs one worker; `contract` has what every worker promises.
"""

from midi_ingest.testing import contract
from midi_ingest.testing.harness import Harness
from midi_ingest.testing.results import Failed, Written

__all__ = ["Failed", "Harness", "Written", "contract"]

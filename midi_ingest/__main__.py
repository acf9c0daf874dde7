"""`python -m midi_ingest` is the command `midi-ingest`."""

from midi_ingest.cli import main

main()

"""The verbs of `midi-ingest`: one file a group."""

"""What `midi-ingest inspect` shows: any Standard MIDI File read by mido, and drawn in the terminal and as SVG.

Nothing here is shared with what writes our files, so that a mistake there shows.
"""

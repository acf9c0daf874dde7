"""The music: a callback's body becomes a score, and a score becomes a Standard MIDI File.

Pure functions that know nothing of Kafka or HTTP: `normalize.normalize`, then `smf.render`.
"""

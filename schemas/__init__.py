"""The contract: what travels in Kafka and over HTTP, by its names and types.

Outsiders rely on everything in this package; other rooms import from it and it imports none of them.
"""

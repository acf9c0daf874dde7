"""What the embedded Kafka raises."""


class BrokerError(RuntimeError):
    """The embedded Kafka cannot run; the message says what, where and what to do."""

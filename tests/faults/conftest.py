"""The same Kafka as the integration tests have."""

from tests.integration.conftest import kafka_servers, settings

__all__ = ["kafka_servers", "settings"]

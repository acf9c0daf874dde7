"""All about reaching Kafka: connection settings, clients, topics, and the embedded local broker."""

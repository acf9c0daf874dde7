"""From a record to Kafka's acknowledgement: `publisher` gathers `batches` for the producer that `link` keeps."""

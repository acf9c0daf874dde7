"""Who sends: whether a callback comes from where callbacks are expected to come from."""

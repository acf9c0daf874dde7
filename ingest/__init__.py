"""The HTTP ingress: it reads a callback, looks at its envelope and publishes its bytes."""

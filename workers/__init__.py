"""The workers: one file each, with a pure function at its heart. `workers/runtime/` runs them."""

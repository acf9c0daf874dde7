"""Where `store` keeps files: a directory or an object store, both behind `Files`."""

"""The `heddle` command: the local stack's switch, and a client of the public API."""

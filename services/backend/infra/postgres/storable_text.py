"""Text as Postgres can hold it."""


def storable(text: str) -> str:
    """`text` without U+0000, which Postgres' text cannot hold."""
    return text.replace("\0", "")

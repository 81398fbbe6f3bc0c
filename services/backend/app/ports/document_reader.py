"""Reading a document's text into JSON."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """`positions` are line and column, from 1, of the upper levels' values by JSON pointer."""

    value: JsonValue
    positions: Mapping[str, tuple[int, int]]

    def position(self, pointer: str) -> tuple[int, int] | None:
        """Where the value at `pointer` stands, or its nearest parent."""
        while pointer not in self.positions:
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]
        return self.positions[pointer]


class DocumentReader(Protocol):
    async def read(self, source: bytes) -> ReadDocument:
        """The document. Raises DslInvalid naming line and column where it is not one.

        Executes nothing, and refuses documents that unfold to more than a million values.
        """
        ...

    async def blanked(
        self, source: bytes, document: JsonValue, places: Collection[tuple[str | int, ...]]
    ) -> bytes:
        """`source`, which was read as `document`, with an empty text at `places`."""
        ...

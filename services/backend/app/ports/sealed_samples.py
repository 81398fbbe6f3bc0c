"""What the master key has sealed, whoever it belongs to."""

from collections.abc import Sequence
from typing import Protocol


class SealedSamples(Protocol):
    async def some(self) -> Sequence[bytes]:
        """Up to a hundred stored secrets; none only when nothing is stored."""
        ...

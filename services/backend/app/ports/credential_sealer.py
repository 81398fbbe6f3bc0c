"""The master key at work: closing what only its holders may open, and numbers only they know."""

from typing import Protocol
from uuid import UUID


class CredentialSealer(Protocol):
    def seal(self, tenant_id: UUID, provider: str, secret: str) -> bytes: ...

    def seal_value(self, tenant_id: UUID, purpose: str, value: bytes) -> bytes: ...

    def open_value(self, tenant_id: UUID, purpose: str, sealed: bytes) -> bytes:
        """Raises SealedBoxRefused."""
        ...

    def knows(self, sealed: bytes) -> bool:
        """Whether the master key that `sealed` was closed with is here."""
        ...

    def derived_number(self, purpose: str) -> int:
        """A 256-bit number that only the holder of the master key can compute again."""
        ...

    def derived_numbers(self, purpose: str) -> tuple[int, ...]:
        """The same of every master key that is here, the one in use first."""
        ...

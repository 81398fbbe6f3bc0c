"""Closing a credential so that only the service that makes the call can open it."""

from typing import Protocol
from uuid import UUID


class CredentialSealer(Protocol):
    def seal(self, tenant_id: UUID, provider: str, secret: str) -> bytes: ...

    def derived_number(self, purpose: str) -> int:
        """A 256-bit number that only the holder of the master key can compute again."""
        ...

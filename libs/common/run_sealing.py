"""Sealing what a run with secrets leaves behind: the port. The adapter: libs.common.run_seal."""

from typing import Protocol
from uuid import UUID

from libs.common.errors import PlatformFault

MASK = "******"
"""What stands where a secret would be shown."""


class RunSealing(Protocol):
    """Whoever stores or sends something of a run with secrets (`AcceptRun.has_secrets`) seals it
    here, and whoever reads something of any run opens it here."""

    def seal(self, payload: bytes, *, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        """`payload` so that only this run's readers can open it, and only as what stood at
        `place` (such as `journal/17`)."""
        ...

    def reveal(self, stored: bytes, *, tenant_id: UUID, run_id: UUID, place: str) -> bytes:
        """What was sealed; what was never sealed comes back as it is. Raises SealedBoxRefused."""
        ...

    def digest(self, text: str, *, tenant_id: UUID, run_id: UUID) -> str:
        """A hash, 64 hex digits, that says nothing about `text` to who lacks the run's key."""
        ...


def required(sealing: RunSealing | None) -> RunSealing:
    """Raises PlatformFault without one: nothing of a sealed run is written in the clear."""
    if sealing is None:
        raise PlatformFault("This process has no master key, and the run's data must be sealed.")
    return sealing

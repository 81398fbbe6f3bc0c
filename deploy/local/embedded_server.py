"""What the three embedded servers have in common."""

from typing import Protocol

from deploy.local.child_process import ProcessSpec


class EmbeddedServer(Protocol):
    """A server that we run ourselves. Reused by the supervisor and by the tests."""

    def prepare(self) -> None:
        """Bring its folder into a startable state; idempotent, keeps existing data.

        Raises LocalStackError when the folder is damaged or belongs to another version.
        """
        ...

    def process(self) -> ProcessSpec:
        """How to start it; valid after `prepare`."""
        ...

    def is_ready(self) -> bool:
        """Whether it answers now. Returns within a second, never raises."""
        ...

    @property
    def url(self) -> str:
        """Where clients reach it, with the password."""
        ...

"""One transaction of one tenant, as the application layer sees it."""

from typing import Protocol, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.subjects import DurableSubject

M = TypeVar("M", bound=BaseModel)


class UnitOfWork(Protocol):
    """`async with` opens a transaction under row-level security for one tenant.

    Leaving normally commits, leaving by an exception rolls back. No call to another system may
    happen inside.
    """

    @property
    def tenant_id(self) -> UUID: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    def publish_after_commit(self, subject: DurableSubject[M], message: M) -> None:
        """Write an outbox row in this transaction; a relay sends it at least once."""
        ...

"""Messages written in the transaction that decided them, and sent after its commit."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.subjects import DurableSubject
from libs.common.identifiers import uuid7

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One row of a schema's `outbox`. `id` is also the message id on the bus."""

    id: UUID
    tenant_id: UUID
    subject: str
    body: bytes

    def as_parameters(self) -> dict[str, UUID | str | bytes]:
        return {
            "id": self.id,
            "tenant_id": self.tenant_id,
            "subject": self.subject,
            "body": self.body,
        }


def outbox_row(tenant_id: UUID, subject: DurableSubject[M], message: M) -> OutboxRow:
    """The row that makes a relay send `message`. Ids rise within a process."""
    return OutboxRow(
        id=uuid7(),
        tenant_id=tenant_id,
        subject=subject.name,
        body=message.model_dump_json().encode(),
    )

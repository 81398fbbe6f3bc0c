"""What calls leave in the object store, and whose it is."""

from typing import Literal
from uuid import UUID

from libs.common.contracts.envelope import Envelope

Source = Literal["http", "command"]
FOLDERS: tuple[str, ...] = ("http/", "command/")


def file_key(source: Source, envelope: Envelope, file_id: UUID) -> str:
    """Where a call of `envelope` stores a file. The tenant's name is a folder: its calls alone
    may open what is in there. The run's is not: folders that were empty would stay."""
    run = envelope.effect.run_id if envelope.effect else "none"
    return f"{source}/{envelope.tenant_id or 'none'}/{run}.{file_id}"


def owner_of(key: str) -> tuple[UUID, UUID] | None:
    """The tenant and the run that a file was stored for; None without a run."""
    _, tenant, name = key.split("/", 2)
    try:
        return UUID(tenant), UUID(name.partition(".")[0])
    except ValueError:
        return None

"""Where the bytes of an upload lie."""

from uuid import UUID

FOLDER = "uploads/"


def object_key(tenant_id: UUID, file_id: UUID, secret: str) -> str:
    """The tenant's name is a folder: its runs alone may open what is in there. `secret` makes the
    key unknown to who only knows the file's id."""
    return f"{FOLDER}{tenant_id}/{file_id}.{secret}"


def file_of(key: str) -> tuple[UUID, UUID] | None:
    """The tenant and the file that an object was stored for; None for what is no upload."""
    parts = key.removeprefix(FOLDER).split("/")
    try:
        tenant, name = parts
        return UUID(tenant), UUID(name.partition(".")[0])
    except ValueError:
        return None

"""Files that clients uploaded, as the application layer hands them round."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOwner:
    """Whose a file is: one end user's of one app."""

    tenant_id: UUID
    app_id: UUID
    end_user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """`name` is safe to show; `extension` has no dot and small letters; `mime_type` is what the
    client said or the name tells, and nothing has looked inside. `size` in bytes."""

    file_id: UUID
    owner: FileOwner
    name: str
    extension: str
    mime_type: str
    size: int
    object_key: str
    created_at: datetime

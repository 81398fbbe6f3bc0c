"""Files that clients uploaded: the rows; the bytes lie in the object store."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from services.backend.domain.files.records import FileOwner, UploadedFile


class FileRepository(Protocol):
    """A file that a run names (`RunRepository.begin` says so) is kept."""

    async def add(self, file: UploadedFile) -> None: ...

    async def find(self, tenant_id: UUID, file_id: UUID) -> UploadedFile | None: ...

    async def of_owner(
        self, owner: FileOwner, file_ids: Collection[UUID]
    ) -> dict[UUID, UploadedFile]:
        """Those of `file_ids` that are the owner's."""
        ...

    async def keep(self, tenant_id: UUID, file_ids: Collection[UUID]) -> None:
        """A run that goes on names them from now on. Raises FileUnknown where one is gone."""
        ...

    async def unnamed(self, *, older_than_seconds: float, limit: int) -> list[tuple[UUID, UUID]]:
        """Tenants and files of any tenant that were uploaded so long ago and that no run names."""
        ...

    async def delete_unnamed(self, tenant_id: UUID, file_ids: Collection[UUID]) -> list[str]:
        """Delete the rows of those that still no run names; the keys of their objects."""
        ...

    async def delete(self, tenant_id: UUID, file_ids: Collection[UUID]) -> None:
        """Delete the rows, also of those that were to be named by what was then refused."""
        ...

    async def known(self, tenant_id: UUID, file_ids: Collection[UUID]) -> set[UUID]:
        """Those of `file_ids` that have a row."""
        ...

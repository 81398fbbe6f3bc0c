"""Store a file that a call leaves behind, where the rest of its run and clients find it."""

from dataclasses import dataclass
from mimetypes import guess_type

from libs.common.contracts.envelope import Envelope
from libs.common.identifiers import uuid7
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required
from libs.common.stored_file_links import StoredFileAddress, StoredFileLinks
from services.plugin.domain.stored_files import Source, file_key


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """`url` "" where the file has no address."""

    object_key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepFile:
    """`sealing` closes what is stored for a sealed run; without it that is refused."""

    objects: ObjectStore
    links: StoredFileLinks
    sealing: RunSealing | None = None

    async def run(
        self, source: Source, content: bytes, *, envelope: Envelope, filename: str, mime_type: str
    ) -> KeptFile:
        """`mime_type` "": what the name says."""
        key = file_key(source, envelope, uuid7())
        await self.objects.put(key, self._sealed(content, envelope, key))
        if envelope.tenant_id is None:
            return KeptFile(object_key=key, url="")
        address = StoredFileAddress(
            tenant_id=envelope.tenant_id,
            object_key=key,
            filename=filename,
            mime_type=mime_type or guess_type(filename)[0] or "",
            size=len(content),
            sealed_run=envelope.sealed_run,
        )
        return KeptFile(object_key=key, url=self.links.url(address))

    def _sealed(self, content: bytes, envelope: Envelope, key: str) -> bytes:
        run_id, tenant_id = envelope.sealed_run, envelope.tenant_id
        if run_id is None or tenant_id is None:
            return content
        sealing = required(self.sealing)
        return sealing.seal(content, tenant_id=tenant_id, run_id=run_id, place=key)

"""Files of runs in the object store, as those services open them that need their bytes.

What names them is data that an author or a user may write: it opens the tenant's own files alone.
"""

from libs.common.contracts.envelope import Envelope
from libs.common.errors import CallerError, NotFound
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required

_SEAL_BYTES = 4096


class FileMissing(NotFound):
    """No such file, or it is another tenant's."""

    code = "file_missing"
    title = "No such file"


class FileTooDemanding(CallerError):
    code = "file_too_demanding"
    status = 413
    title = "Reading the file needs more than a document may use"


class StoredFiles:
    """`sealing` opens what is stored for a sealed run; without it that is refused."""

    def __init__(self, objects: ObjectStore, sealing: RunSealing | None = None) -> None:
        self._objects = objects
        self._sealing = sealing

    async def read(self, key: str, *, envelope: Envelope, most_bytes: int) -> bytes:
        """The file `<folder>/<tenant>/...` of the envelope's tenant.

        Raises FileMissing, and FileTooDemanding before more than that was read."""
        folders = key.split("/")
        if envelope.tenant_id is None or folders[1:2] != [str(envelope.tenant_id)]:
            raise _missing(key)
        stored = await self._read(key, most_bytes + _SEAL_BYTES)
        if envelope.sealed_run is not None:
            # Uploads were never sealed, and come back as they are.
            stored = required(self._sealing).reveal(
                stored, tenant_id=envelope.tenant_id, run_id=envelope.sealed_run, place=key
            )
        if len(stored) > most_bytes:
            raise _too_large(most_bytes)
        return stored

    async def _read(self, key: str, most_bytes: int) -> bytes:
        found = bytearray()
        try:
            async for piece in self._objects.stream(key):
                found += piece
                if len(found) > most_bytes:
                    raise _too_large(most_bytes)
        except NotFound as cause:
            raise _missing(key) from cause
        return bytes(found)


def _missing(key: str) -> FileMissing:
    return FileMissing(f"no stored file is called {key}")


def _too_large(most_bytes: int) -> FileTooDemanding:
    return FileTooDemanding(f"the file has more than {most_bytes} bytes")

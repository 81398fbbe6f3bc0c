"""Bring the bytes of a file that a workflow names."""

from dataclasses import dataclass
from email.message import Message
from typing import assert_never
from urllib.parse import unquote, urlsplit

from libs.common.contracts.document_text import FileSource, RemoteFile, StoredFile
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import HttpCall
from libs.common.errors import NotFound
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required
from services.plugin.app.ports.http_fetcher import HttpFetcher
from services.plugin.domain.documents.errors import FileMissing, FileNotServed, FileTooDemanding

MAX_BYTES = 20 * 1024 * 1024
_FETCH_SECONDS = 60.0
_OK = range(200, 300)
_THEIR_FAULT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """`filename` and `mime_type` are what the file's host says, "" where nothing is said."""

    content: bytes
    filename: str = ""
    mime_type: str = ""


class LoadFile:
    """`sealing` opens what is stored for a sealed run; without it that is refused."""

    def __init__(
        self, *, fetcher: HttpFetcher, objects: ObjectStore, sealing: RunSealing | None = None
    ) -> None:
        self._fetcher = fetcher
        self._objects = objects
        self._sealing = sealing

    async def run(self, source: FileSource, *, envelope: Envelope) -> LoadedFile:
        """A file of at most 20 MiB.

        Raises FileNotServed, FileTooDemanding, FileMissing (also for another tenant's object)
        and what fetching raises.
        """
        match source:
            case RemoteFile(url=url):
                return await self._fetched(url)
            case StoredFile(object_key=key):
                return LoadedFile(content=await self._stored(key, envelope))
            case _:
                assert_never(source)

    async def _fetched(self, url: str) -> LoadedFile:
        request = HttpCall(
            method="GET",
            url=url,
            read_seconds=_FETCH_SECONDS,
            write_seconds=_FETCH_SECONDS,
            max_bytes=MAX_BYTES,
        )
        answer = await self._fetcher.fetch(request, idempotency_key=None)
        if answer.status not in _OK:
            msg = f"the file's host answered {answer.status}"
            raise FileNotServed(msg, retryable=answer.status >= _THEIR_FAULT)
        headers = {name.lower(): value for name, value in answer.headers}
        return LoadedFile(
            content=answer.body,
            filename=_served_name(headers, answer.url),
            mime_type=headers.get("content-type", ""),
        )

    async def _stored(self, key: str, envelope: Envelope) -> bytes:
        # A reference is data that an author or a user may write: it opens the tenant's own files.
        folders = key.split("/")
        if envelope.tenant_id is None or folders[1:2] != [str(envelope.tenant_id)]:
            raise _missing(key)
        try:
            stored = await self._objects.get(key)
        except NotFound as cause:
            raise _missing(key) from cause
        if envelope.sealed_run is not None:
            stored = required(self._sealing).reveal(
                stored, tenant_id=envelope.tenant_id, run_id=envelope.sealed_run, place=key
            )
        if len(stored) > MAX_BYTES:
            raise FileTooDemanding(f"the file has {len(stored)} bytes; at most {MAX_BYTES}")
        return stored


def _missing(key: str) -> FileMissing:
    return FileMissing(f"no stored file is called {key}")


def _served_name(headers: dict[str, str], url: str) -> str:
    parsed = Message()
    parsed["content-disposition"] = headers.get("content-disposition", "")
    return parsed.get_filename() or unquote(urlsplit(url).path.rpartition("/")[2])

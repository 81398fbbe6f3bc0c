"""Bring the bytes of a file that a workflow names."""

from dataclasses import dataclass
from email.message import Message
from typing import assert_never
from urllib.parse import unquote, urlsplit

from libs.common.contracts.document_text import FileSource, RemoteFile, StoredFile
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import HttpCall
from libs.common.stored_files import StoredFiles
from services.plugin.app.ports.http_fetcher import HttpFetcher
from services.plugin.domain.documents.errors import FileNotServed

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
    def __init__(self, *, fetcher: HttpFetcher, stored: StoredFiles) -> None:
        self._fetcher = fetcher
        self._stored = stored

    async def run(self, source: FileSource, *, envelope: Envelope) -> LoadedFile:
        """A file of at most 20 MiB.

        Raises FileNotServed, FileTooDemanding, FileMissing (also for another tenant's object)
        and what fetching raises.
        """
        match source:
            case RemoteFile(url=url):
                return await self._fetched(url)
            case StoredFile(object_key=key):
                content = await self._stored.read(key, envelope=envelope, most_bytes=MAX_BYTES)
                return LoadedFile(content=content)
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


def _served_name(headers: dict[str, str], url: str) -> str:
    parsed = Message()
    parsed["content-disposition"] = headers.get("content-disposition", "")
    return parsed.get_filename() or unquote(urlsplit(url).path.rpartition("/")[2])

"""Read a document's text in the sandbox, where a hostile file hurts nobody."""

import base64
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote, urlsplit

from libs.common.contracts.document_text import DocumentCall, DocumentText, RemoteFile, StoredFile
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import HttpCall
from libs.common.object_store.object_keys import missing
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required
from libs.common.tracing import span
from services.plugin.app.ports.http_fetcher import HttpFetcher
from services.plugin.app.sandbox.patient_sandbox import PatientSandbox
from services.plugin.domain.documents.errors import (
    FileNotServed,
    FileTooDemanding,
    FileUnreadable,
    FileUnsupported,
)
from services.plugin.domain.documents.formats import format_of
from services.plugin.domain.sandbox.execution import (
    MEBIBYTE,
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)

MAX_BYTES = 20 * MEBIBYTE
LIMITS = ExecutionLimits(cpu_seconds=20, wall_seconds=60.0, memory_bytes=512 * MEBIBYTE)
READER = "from read_document import main"
"""The guest's own code; only the file is foreign."""
_FETCH_SECONDS = 60.0
_OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    content: bytes
    filename: str
    mime_type: str


class ReadDocument:
    def __init__(
        self,
        *,
        fetcher: HttpFetcher,
        objects: ObjectStore,
        sandbox: PatientSandbox,
        sealing: RunSealing | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._objects = objects
        self._sandbox = sandbox
        self._sealing = sealing

    async def run(self, call: DocumentCall, *, envelope: Envelope, within: float) -> DocumentText:
        """The text of a file of at most 20 MiB; the text itself of at most 4 MiB.

        Raises FileUnsupported, FileUnreadable, FileTooDemanding, FileNotServed, ObjectMissing,
        what fetching raises, and SandboxBusy or SandboxLost after `within` seconds.
        """
        match call.source:
            case RemoteFile(url=url):
                loaded = await self._fetched(url, call)
            case StoredFile(object_key=key):
                content = await self._stored(key, envelope)
                loaded = _Loaded(content=content, filename=call.filename, mime_type=call.mime_type)
        kind = format_of(loaded.filename, loaded.mime_type)
        if kind is None:
            named = loaded.filename or loaded.mime_type or "a file without a name"
            raise FileUnsupported(f"{named}: there is no reader for such a file")
        execution = CodeExecution(
            language="python3",
            code=READER,
            inputs={"format": kind, "content": base64.b64encode(loaded.content).decode()},
            limits=LIMITS,
        )
        with span("read document", attributes={"heddle.document.format": kind}):
            outcome = await self._sandbox.run(execution, within=within)
        return DocumentText(text=_text(outcome, kind), format=kind, size=len(loaded.content))

    async def _fetched(self, url: str, call: DocumentCall) -> _Loaded:
        request = HttpCall(
            method="GET",
            url=url,
            read_seconds=_FETCH_SECONDS,
            write_seconds=_FETCH_SECONDS,
            max_bytes=MAX_BYTES,
        )
        answer = await self._fetcher.fetch(request, idempotency_key=None)
        if answer.status not in _OK:
            raise FileNotServed(
                f"the file's host answered {answer.status}", retryable=answer.status >= 500
            )
        headers = {name.lower(): value for name, value in answer.headers}
        return _Loaded(
            content=answer.body,
            filename=call.filename or _served_name(headers, answer.url),
            mime_type=call.mime_type or headers.get("content-type", ""),
        )

    async def _stored(self, key: str, envelope: Envelope) -> bytes:
        # A reference is data that an author or a user may write: it opens the tenant's own files.
        folders = key.split("/")
        if envelope.tenant_id is None or folders[1:2] != [str(envelope.tenant_id)]:
            raise missing(key)
        stored = await self._objects.get(key)
        if envelope.sealed_run is not None:
            stored = required(self._sealing).reveal(
                stored, tenant_id=envelope.tenant_id, run_id=envelope.sealed_run, place=key
            )
        if len(stored) > MAX_BYTES:
            raise FileTooDemanding(f"the file has {len(stored)} bytes; at most {MAX_BYTES}")
        return stored


def _served_name(headers: dict[str, str], url: str) -> str:
    parsed = Message()
    parsed["content-disposition"] = headers.get("content-disposition", "")
    return parsed.get_filename() or unquote(urlsplit(url).path.rpartition("/")[2])


def _text(outcome: ExecutionOutcome, kind: str) -> str:
    if outcome.limit is not None:
        raise FileTooDemanding(
            f"reading the file as {kind} was stopped by the limit of {outcome.limit}",
            extra={"limit": outcome.limit},
        )
    error = outcome.error
    if error is not None:
        raise FileUnreadable(f"the file cannot be read as {kind}: {error.message or error.type}")
    # The file has no say in what kind of value comes back, but whoever took over its reader has.
    if not isinstance(outcome.result, str):
        raise FileUnreadable(f"the file cannot be read as {kind}")
    return outcome.result

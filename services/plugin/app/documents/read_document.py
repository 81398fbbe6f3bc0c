"""Read a document's text in the sandbox, where a hostile file hurts nobody."""

import base64

from libs.common.contracts.document_text import DocumentCall, DocumentText
from libs.common.contracts.envelope import Envelope
from libs.common.stored_files import FileTooDemanding
from libs.common.tracing import span
from services.plugin.app.files.load_file import LoadFile
from services.plugin.app.sandbox.patient_sandbox import PatientSandbox
from services.plugin.domain.documents.errors import FileUnreadable, FileUnsupported
from services.plugin.domain.documents.formats import format_of
from services.plugin.domain.sandbox.execution import (
    MEBIBYTE,
    CodeExecution,
    ExecutionLimits,
    ExecutionOutcome,
)

LIMITS = ExecutionLimits(cpu_seconds=20, wall_seconds=60.0, memory_bytes=512 * MEBIBYTE)
READER = "from read_document import main"
"""The guest's own code; only the file is foreign."""


class ReadDocument:
    def __init__(self, *, load: LoadFile, sandbox: PatientSandbox) -> None:
        self._load = load
        self._sandbox = sandbox

    async def run(self, call: DocumentCall, *, envelope: Envelope, within: float) -> DocumentText:
        """The text of a file of at most 20 MiB; the text itself of at most 4 MiB.

        Raises FileUnsupported, FileUnreadable, FileTooDemanding, FileNotServed, FileMissing,
        what fetching raises, and SandboxBusy or SandboxLost after `within` seconds.
        """
        loaded = await self._load.run(call.source, envelope=envelope)
        filename = call.filename or loaded.filename
        mime_type = call.mime_type or loaded.mime_type
        kind = format_of(filename, mime_type)
        if kind is None:
            named = filename or mime_type or "a file without a name"
            raise FileUnsupported(f"{named}: there is no reader for such a file")
        execution = CodeExecution(
            language="python3",
            code=READER,
            inputs={"format": kind, "content": base64.b64encode(loaded.content).decode()},
            limits=LIMITS,
            tenant_id=envelope.tenant_id,
        )
        with span("read document", attributes={"heddle.document.format": kind}):
            outcome = await self._sandbox.run(execution, within=within)
        return DocumentText(text=_text(outcome, kind), format=kind, size=len(loaded.content))


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

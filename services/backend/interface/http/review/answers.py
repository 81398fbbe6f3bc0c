"""The answer that a browser sends from the page of a form, files included."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs
from uuid import UUID

from pydantic import JsonValue
from starlette.requests import Request

from libs.common.contracts.forms import FormView
from libs.common.errors import HeddleError, InvalidInput, PayloadTooLarge
from libs.common.multipart_stream import MultipartStream, PartHead
from services.backend.app.files.upload_file import StoredUpload, UploadFile
from services.backend.app.reviews.forms import FormAnswer
from services.backend.domain.files.records import FileOwner, UploadedFile
from services.backend.domain.identity.end_users import end_user_id
from services.backend.interface.http.review.page import FILE_TYPES

_MOST_FIELDS = 200
_MOST_FILES = 20
_MOST_TEXT = 1024 * 1024
_FIELD = "field-"
_ONE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAnswer:
    """`forget` is for an answer that was refused: of its files nothing stays."""

    answer: FormAnswer
    forget: Callable[[], Awaitable[None]]


async def read_answer(
    request: Request, tenant_id: UUID, view: FormView, actor: str, uploads: UploadFile
) -> SentAnswer:
    """Files are stored and belong to this form's answers alone. Raises InvalidInput,
    PayloadTooLarge and what UploadFile refuses with; then nothing is kept."""
    kind = request.headers.get("content-type", "")
    chunks = request.stream()
    if not kind.lower().startswith("multipart/form-data"):
        answer = _answer(_fields(await _text(chunks)), {}, actor, view)
        return SentAnswer(answer=answer, forget=_nothing)
    sent = _Sent(view, tenant_id, uploads, MultipartStream(chunks, kind))
    try:
        await sent.read()
        answer = _answer(sent.fields, {}, actor, view)
        answer = _answer(sent.fields, await sent.kept(answer), actor, view)
        return SentAnswer(answer=answer, forget=sent.forget)
    except HeddleError:
        await sent.forget()
        # An answer to a browser that is still sending would be lost on many of them.
        await _read_to_its_end(chunks)
        raise
    finally:
        for stored in sent.unclaimed:
            await uploads.drop(stored)


class _Sent:
    """The parts of one answer; files go to the store as they come, once their fields want them."""

    def __init__(
        self, view: FormView, tenant_id: UUID, uploads: UploadFile, body: MultipartStream
    ) -> None:
        self._view = view
        self._tenant_id = tenant_id
        self._uploads = uploads
        self._body = body
        self._kinds = {
            field.name: field.type
            for field in (view.form.fields if view.form else ())
            if field.type in FILE_TYPES
        }
        self._stored: list[tuple[str, StoredUpload]] = []
        self._fresh: list[tuple[UploadedFile, StoredUpload, str | None]] = []
        self.fields: dict[str, str] = {}
        self.unclaimed: list[StoredUpload] = []

    async def read(self) -> None:
        while (head := await self._body.next_part()) is not None:
            if head.filename is None:
                self.fields[head.name] = await self._body.text()
            elif head.filename and head.name.removeprefix(_FIELD) in self._kinds:
                await self._store(head)

    async def kept(self, answer: FormAnswer) -> dict[str, JsonValue]:
        """The files as inputs name them, once this form could take `answer`."""
        form = self._view.form
        if form is None or self._view.status not in {"open", "submitted"}:
            return {}
        if answer.digest != self._view.digest or answer.action not in {
            action.id for action in form.actions
        }:
            # What is wrong with it is told by who decides; nothing is kept for it.
            return {}
        owner = FileOwner(
            tenant_id=self._tenant_id,
            app_id=self._view.app_id,
            end_user_id=end_user_id(self._view.app_id, answer.session_id),
        )
        inputs: dict[str, JsonValue] = {}
        for name, stored in self._stored:
            # A repeated click sends the same files, and is to be the same answer.
            once = _key(answer.occasion, name, stored.digest) if answer.occasion else None
            file = await self._uploads.keep(stored, owner, once)
            self.unclaimed.remove(stored)
            if file.file_id == stored.file_id:
                self._fresh.append((file, stored, once))
                if self._view.status == "submitted":
                    # No repeated click: it comes too late.
                    await self.forget()
                    return {}
            named: JsonValue = {
                "transfer_method": "local_file",
                "upload_file_id": str(file.file_id),
            }
            if self._kinds[name] == _ONE:
                inputs[name] = named
            else:
                listed = inputs.setdefault(name, [])
                assert isinstance(listed, list)
                listed.append(named)
        return inputs

    async def forget(self) -> None:
        """What an earlier click has sent stays: it may have been taken."""
        # What cannot be reached now is collected after a day, unless it was named.
        with suppress(HeddleError):
            while self._fresh:
                await self._uploads.forget(*self._fresh[-1])
                self._fresh.pop()

    async def _store(self, head: PartHead) -> None:
        name = head.name.removeprefix(_FIELD)
        if self._kinds[name] == _ONE and any(name == each for each, _ in self._stored):
            raise InvalidInput(f"{name} takes one file.")
        if len(self._stored) >= _MOST_FILES:
            raise InvalidInput(f"At most {_MOST_FILES} files are taken here.")
        stored = await self._uploads.store(
            self._tenant_id,
            filename=head.filename or "",
            content_type=head.content_type,
            chunks=self._body.body(),
        )
        self._stored.append((name, stored))
        self.unclaimed.append(stored)


def _key(*parts: str) -> str:
    """Of one length, however long that is which a browser sent."""
    return sha256("/".join(parts).encode()).hexdigest()


async def _text(chunks: AsyncIterator[bytes]) -> bytes:
    """Raises PayloadTooLarge: it is taken apart at once, while every other request waits."""
    found = bytearray()
    async for chunk in chunks:
        if len(found) + len(chunk) > _MOST_TEXT:
            await _read_to_its_end(chunks)
            raise PayloadTooLarge(f"An answer without files has at most {_MOST_TEXT} bytes.")
        found += chunk
    return bytes(found)


async def _nothing() -> None:
    pass


def _fields(body: bytes) -> dict[str, str]:
    try:
        parsed = parse_qs(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise InvalidInput("The answer cannot be read.") from error
    return {name: values[-1] for name, values in parsed.items()}


def _answer(
    given: Mapping[str, str], files: Mapping[str, JsonValue], actor: str, view: FormView
) -> FormAnswer:
    written = {
        name.removeprefix(_FIELD): value.replace("\r\n", "\n")
        for name, value in given.items()
        if name.startswith(_FIELD)
    }
    return FormAnswer(
        action=given.get("action", ""),
        inputs={**written, **files},
        actor=actor,
        # What was on the page, so that nobody approves what they did not see.
        digest=given.get("digest", ""),
        occasion=given.get("once") or None,
        # Nobody else may name the files of an answer.
        session_id=f"form/{view.form_id}",
    )


async def _read_to_its_end(chunks: AsyncIterator[bytes]) -> None:
    with suppress(HeddleError):
        async for _ in chunks:
            pass

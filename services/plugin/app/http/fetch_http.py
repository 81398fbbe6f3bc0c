"""Send a workflow's HTTP request and shape its answer."""

import codecs
from email.message import Message
from urllib.parse import urlsplit

from libs.common.contracts.document_text import FileSource
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import FileBody, FormBody, HttpCall, HttpResult
from libs.common.stored_files import FileTooDemanding
from services.plugin.app.files.keep_file import KeepFile
from services.plugin.app.files.load_file import MAX_BYTES, LoadFile
from services.plugin.app.ports.http_fetcher import FetchedBody, HttpFetcher
from services.plugin.domain.errors import TextTooLarge

_MAX_TEXT_BYTES = 1024 * 1024
_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-www-form-urlencoded",
        "application/yaml",
        "application/graphql",
    }
)
# Encodings of text as the web uses them. Python knows others by name too, and among those are some
# that take minutes for a megabyte, that fail, or that make text which is none.
_CHARSETS = frozenset(
    {
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "ascii"),
        *(f"iso8859-{part}" for part in range(1, 17)),
        *(f"cp{page}" for page in (866, 874, 932, 936, 949, 950, *range(1250, 1259))),
        *("koi8-r", "koi8-u", "mac-roman"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs"),
        *("shift_jis", "euc_jp", "iso2022_jp", "euc_kr"),
    }
)
_NO_KEY_METHODS = frozenset({"GET", "HEAD"})


class FetchHttp:
    def __init__(self, *, fetcher: HttpFetcher, load: LoadFile, keep: KeepFile) -> None:
        self._fetcher = fetcher
        self._load = load
        self._keep = keep

    async def run(self, call: HttpCall, *, envelope: Envelope) -> HttpResult:
        """The answer: text as text (at most 1 MiB), anything else as an object.

        Other methods than GET and HEAD carry the effect's key as `Idempotency-Key`. Raises
        EgressRefused, UpstreamTimeout, UpstreamError, ResponseTooLarge, TextTooLarge, and what
        loading the files of its body raises, of at most 20 MiB together.
        """
        key = envelope.effect.key if envelope.effect else None
        if call.method.upper() in _NO_KEY_METHODS:
            key = None
        files = await self._files(call, envelope)
        answer = await self._fetcher.fetch(call, idempotency_key=key, files=files)
        headers = _joined(answer.headers)
        content_type = headers.get("content-type", "")
        shape = HttpResult(
            status_code=answer.status,
            headers=headers,
            content_type=content_type,
            size=len(answer.body),
            url=answer.url,
        )
        if not _is_file(headers, answer):
            return shape.model_copy(update={"text": _text(answer.body, content_type)})
        named = _filename(headers)
        kept = await self._keep.run(
            "http",
            answer.body,
            envelope=envelope,
            filename=named or urlsplit(answer.url).path.rpartition("/")[2],
            mime_type=content_type.partition(";")[0].strip(),
        )
        return shape.model_copy(
            update={
                "is_file": True,
                "object_key": kept.object_key,
                "filename": named,
                "file_url": kept.url,
            }
        )

    async def _files(self, call: HttpCall, envelope: Envelope) -> list[bytes]:
        found: list[bytes] = []
        for source in _sources(call):
            found.append((await self._load.run(source, envelope=envelope)).content)
            if sum(map(len, found)) > MAX_BYTES:
                raise FileTooDemanding(
                    f"the files of the body have more than {MAX_BYTES} bytes together"
                )
        return found


def _sources(call: HttpCall) -> list[FileSource]:
    match call.body:
        case FileBody(source=source):
            return [source]
        case FormBody(files=files, multipart=True):
            return [file.source for file in files]
        case _:
            return []


def _joined(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        joined[lowered] = f"{joined[lowered]}, {value}" if lowered in joined else value
    return joined


def _is_file(headers: dict[str, str], answer: FetchedBody) -> bool:
    if headers.get("content-disposition", "").lower().startswith("attachment"):
        return True
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    textual = (
        not kind
        or kind.startswith("text/")
        or kind in _TEXT_TYPES
        or kind.endswith(("+json", "+xml"))
    )
    return bool(answer.body) and not textual


def _text(body: bytes, content_type: str) -> str:
    if len(body) > _MAX_TEXT_BYTES:
        msg = f"the answer's text has {len(body)} bytes; at most {_MAX_TEXT_BYTES} fit a variable"
        raise TextTooLarge(msg)
    parsed = Message()
    parsed["content-type"] = content_type or "text/plain"
    return body.decode(_charset(parsed), errors="replace")


def _charset(parsed: Message) -> str:
    try:
        found = codecs.lookup(parsed.get_content_charset() or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return found if found in _CHARSETS else "utf-8"


def _filename(headers: dict[str, str]) -> str | None:
    parsed = Message()
    parsed["content-disposition"] = headers.get("content-disposition", "")
    try:
        return _writable(parsed.get_filename())
    except (ValueError, LookupError):
        return None  # in a character set that no name is written in


def _writable(name: str | None) -> str | None:
    """Without halves of surrogate pairs, which no message can hold."""
    return None if name is None else name.encode(errors="replace").decode()

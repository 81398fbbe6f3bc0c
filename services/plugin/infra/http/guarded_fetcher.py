"""Workflow requests over guarded HTTP."""

from collections.abc import Sequence
from urllib.parse import urlencode

from urllib3 import encode_multipart_formdata

from libs.common.contracts.http_call import FileBody, FormBody, HttpCall, NoBody, RawBody
from libs.common.guarded_http.answers import GuardedResponse
from libs.common.guarded_http.guarded_http import GuardedHttp
from libs.common.guarded_http.request_parts import idempotency_value

_BYTES = "application/octet-stream"
_Part = tuple[str, str | tuple[str, bytes, str]]


class GuardedFetcher:
    """Implements HttpFetcher."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def fetch(
        self, call: HttpCall, *, idempotency_key: str | None, files: Sequence[bytes] = ()
    ) -> GuardedResponse:
        body, content_type = _encoded(call, files)
        headers = list(call.headers)
        named = {name.lower() for name, _ in headers}
        if content_type is not None and "content-type" not in named:
            headers.append(("Content-Type", content_type))
        if idempotency_key is not None and "idempotency-key" not in named:
            headers.append(("Idempotency-Key", idempotency_value(idempotency_key)))
        return await self._http.request(
            call.method,
            call.url,
            headers=headers,
            params=call.params,
            body=body,
            connect_timeout=call.connect_seconds,
            read_timeout=call.read_seconds,
            total_timeout=call.connect_seconds + call.read_seconds + call.write_seconds,
            max_bytes=call.max_bytes,
            follow_redirects=call.follow_redirects,
            verify_tls=call.verify_tls,
        )


def _encoded(call: HttpCall, files: Sequence[bytes]) -> tuple[bytes | None, str | None]:
    match call.body:
        case NoBody():
            return None, None
        case RawBody(content=content, content_type=content_type):
            return content.encode(), content_type
        case FileBody(content_type=content_type):
            return files[0], content_type or _BYTES
        case FormBody(fields=fields, multipart=True, files=named):
            parts: list[_Part] = [(field.name, field.value) for field in fields]
            parts += [
                (file.name, (file.filename or file.name, content, file.content_type or _BYTES))
                for file, content in zip(named, files, strict=True)
            ]
            return encode_multipart_formdata(parts)
        case FormBody(fields=fields):
            pairs = [(field.name, field.value) for field in fields]
            return urlencode(pairs).encode(), "application/x-www-form-urlencoded"

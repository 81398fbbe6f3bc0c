"""Reading an answer's body within a bound, decoded."""

import zlib
from collections.abc import AsyncGenerator, Iterator

from aiohttp import ClientResponse

from libs.common.errors import UpstreamError
from libs.common.guarded_http.egress_errors import ResponseTooLarge

_PIECE = 256 * 1024
_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15


async def read_chunks(response: ClientResponse, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body's chunks as they arrive, gzip and deflate undone.

    Raises ResponseTooLarge as soon as more than `max_bytes` came out, however small they arrived.
    """
    decoder = _decoder(response.headers.get("Content-Encoding", ""))
    read = 0
    async for raw in response.content.iter_any():
        for chunk in decoder.pieces(raw) if decoder else (raw,):
            read += len(chunk)
            if read > max_bytes:
                raise ResponseTooLarge(f"the answer is above {max_bytes} bytes")
            if chunk:
                yield chunk


class _Decoder:
    """Inflates in pieces of at most 256 KiB, so that a bomb is noticed before it is unpacked."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._inflate = zlib.decompressobj(window)
        self._begun = False

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        while raw:
            try:
                piece = self._inflate.decompress(raw, _PIECE)
            except zlib.error as error:
                if self._begun or self._window != _ZLIB_WINDOW:
                    raise UpstreamError(f"the answer cannot be decoded: {error}") from error
                # Some servers send deflate without its frame.
                self._inflate, self._window = zlib.decompressobj(-_ZLIB_WINDOW), -_ZLIB_WINDOW
                continue
            self._begun = True
            yield piece
            raw = self._inflate.unconsumed_tail
            if self._inflate.eof:
                raw = self._inflate.unused_data
                self._inflate = zlib.decompressobj(self._window)


def _decoder(encoding: str) -> _Decoder | None:
    match encoding.strip().lower():
        case "gzip" | "x-gzip":
            return _Decoder(_GZIP_WINDOW)
        case "deflate":
            return _Decoder(_ZLIB_WINDOW)
        case _:
            # We ask for nothing else; what comes nevertheless is handed on as it is.
            return None

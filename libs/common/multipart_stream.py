"""Reads multipart/form-data (RFC 7578) as it arrives, holding no more than a piece of it.

A file's part is handed on while it is still being received, so its size bounds nothing here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

from libs.common.errors import InvalidInput

_HEAD_BYTES = 16 * 1024
_FIELD_BYTES = 64 * 1024
_MOST_PARTS = 100
_LONGEST_BOUNDARY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHead:
    """`filename` None: a field and no file. `content_type` "" where the part says none. All as
    the client wrote it."""

    name: str
    filename: str | None
    content_type: str


class MultipartStream:
    """`chunks` bring the body, `content_type` is its header. One reader: `next_part`, then `body`
    or `text` of it, then the next.

    Raises InvalidInput for what is no such body, or has more than 100 parts, heads above 16 KiB.
    """

    def __init__(self, chunks: AsyncIterator[bytes], content_type: str) -> None:
        self._chunks = chunks
        # A line's end before the first boundary makes it look like all others.
        self._buffer = bytearray(b"\r\n")
        self._delimiter = b"\r\n--" + _boundary(content_type)
        self._inside = True
        self._parts = 0

    async def next_part(self) -> PartHead | None:
        """The head of the next part, None behind the last; what is left of this one is skipped."""
        async for _ in self.body():
            pass
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            return None
        if (await self._line(_HEAD_BYTES)).strip(b" \t"):
            raise InvalidInput("The multipart body has a boundary that goes on.")
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise InvalidInput(f"The multipart body has more than {_MOST_PARTS} parts.")
        head = await self._head()
        self._inside = True
        return head

    async def body(self) -> AsyncIterator[bytes]:
        """What is left of this part."""
        while self._inside:
            end = self._buffer.find(self._delimiter)
            if end >= 0:
                self._inside = False
                piece = bytes(self._buffer[:end])
                del self._buffer[: end + len(self._delimiter)]
            else:
                # Its last bytes may be the beginning of a boundary.
                sure = max(len(self._buffer) - len(self._delimiter) + 1, 0)
                piece = bytes(self._buffer[:sure])
                del self._buffer[:sure]
            if piece:
                yield piece
            if self._inside:
                await self._more()

    async def text(self) -> str:
        """This part as text of at most 64 KiB."""
        found = bytearray()
        async for piece in self.body():
            found += piece
            if len(found) > _FIELD_BYTES:
                raise InvalidInput(f"A field has more than {_FIELD_BYTES} bytes.")
        try:
            return found.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("A field is not UTF-8.") from error

    async def _head(self) -> PartHead:
        head, left = Message(), _HEAD_BYTES
        while line := await self._line(left):
            left -= len(line)
            name, colon, value = line.decode(errors="replace").partition(":")
            if colon:
                head[name.strip()] = value.strip()
        try:
            name = head.get_param("name", "", header="content-disposition")
            filename = head.get_filename()
        except (ValueError, LookupError) as error:
            raise InvalidInput("A part of the multipart body has a name that is none.") from error
        return PartHead(
            name=name if isinstance(name, str) else name[2],
            filename=filename if filename is not None else _empty_name(head),
            content_type=str(head.get("content-type", "")),
        )

    async def _line(self, most: int) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > most:
                break
            await self._more()
        if not 0 <= end <= most:
            raise InvalidInput(f"A part of the multipart body has a head above {_HEAD_BYTES} B.")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def _more(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise InvalidInput("The multipart body ends before its last boundary.")
        self._buffer += chunk


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["content-type"] = content_type
    found = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(found, str):
        raise InvalidInput("The body must be multipart/form-data with a boundary.")
    try:
        boundary = found.encode("ascii")
    except UnicodeEncodeError as error:
        raise InvalidInput("The boundary of the multipart body is none.") from error
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY:
        raise InvalidInput("The boundary of the multipart body is none.")
    return boundary


def _empty_name(head: Message) -> str | None:
    # An input of files with nothing chosen sends `filename=""`, which the parser does not tell.
    given = head.get_param("filename", None, header="content-disposition")
    return None if given is None else ""

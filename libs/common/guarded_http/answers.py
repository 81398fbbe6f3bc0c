"""What a target answered."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedResponse:
    """`headers` keep order and duplicates; `body` is decoded; `url` is where it came from."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedStream:
    """An answer whose body is still on its way."""

    status: int
    headers: tuple[tuple[str, str], ...]
    url: str
    chunks: AsyncIterator[bytes]

    def aiter_chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, decoded. Raises what `GuardedHttp.request` raises."""
        return self.chunks

    async def read(self) -> bytes:
        """The whole rest of the body."""
        return b"".join([chunk async for chunk in self.chunks])

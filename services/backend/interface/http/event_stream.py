"""Server-sent events."""

from collections.abc import AsyncGenerator

from starlette.responses import StreamingResponse
from starlette.types import Send

_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class EventStreamResponse(StreamingResponse):
    """Sends what `events` yields, and closes it as soon as the client has gone."""

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=_HEADERS)
        self._events = events

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            await self._events.aclose()

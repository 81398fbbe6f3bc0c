"""Server-sent events (WHATWG HTML, section 9.2) as bytes arrive: the data of each event."""

from services.inference.domain.errors import ProviderStreamBroken

_MAX_PENDING = 8 * 1024 * 1024


class EventStreamParser:
    """Feed chunks cut anywhere; get the data of every event that is complete."""

    def __init__(self) -> None:
        self._pending = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Data of the events that `chunk` completed.

        Raises ProviderStreamBroken when one event exceeds 8 MiB.
        """
        block = self._pending + chunk
        if len(block) + sum(map(len, self._data)) > _MAX_PENDING:
            msg = "an event of the provider's stream is larger than 8 MiB"
            raise ProviderStreamBroken(msg)
        if b"\r" in block:
            # A lone CR at the end may be half of CRLF: it waits for the next chunk.
            held = block.endswith(b"\r")
            body = block[:-1] if held else block
            block = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if held else b"")
        lines = block.split(b"\n")
        self._pending = lines.pop()
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events

    def close(self) -> list[bytes]:
        """What a stream that ended without a blank line still held, if it is a whole line."""
        events = self.feed(b"\n\n") if self._pending or self._data else []
        self._pending = b""
        return events

"""Server-sent events (WHATWG HTML, section 9.2) as bytes arrive: the data of each event."""

from services.inference.domain.errors import ProviderStreamBroken

_MAX_PENDING = 8 * 1024 * 1024


class EventStreamParser:
    """Feed chunks cut anywhere; get the data of every event that is complete. The work is linear in
    what was fed, however small the chunks and whatever they hold."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._data_size = self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Data of the events that `chunk` completed.

        Raises ProviderStreamBroken when one event exceeds 8 MiB.
        """
        self._held += len(chunk)
        if self._held > _MAX_PENDING:
            msg = "an event of the provider's stream is larger than 8 MiB"
            raise ProviderStreamBroken(msg)
        self._pieces.append(chunk)
        # A lone CR at the end may be half of CRLF: with the next chunk it is a whole line.
        if b"\n" not in chunk and b"\r" not in chunk and not self._after_return():
            return []
        return self._events(b"".join(self._pieces))

    def close(self) -> list[bytes]:
        """What a stream that ended without a blank line still held, if it is a whole line."""
        events = self.feed(b"\n\n") if self._pieces or self._data else []
        self._pieces = []
        return events

    def _after_return(self) -> bool:
        return len(self._pieces) > 1 and self._pieces[-2].endswith(b"\r")

    def _events(self, block: bytes) -> list[bytes]:
        if b"\r" in block:
            held = block.endswith(b"\r")
            body = block[:-1] if held else block
            block = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + (b"\r" if held else b"")
        lines = block.split(b"\n")
        pending = lines.pop()
        self._pieces = [pending] if pending else []
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
                # With its name: a line without any content is held too.
                self._data_size += len(line)
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data, self._data_size = [], 0
        self._held = len(pending) + self._data_size
        return events

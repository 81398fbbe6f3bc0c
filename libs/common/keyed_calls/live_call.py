"""One call under way in this process, and its parts for any number of readers."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Generic
from uuid import UUID

from libs.common.errors import HeddleError, PayloadTooLarge
from libs.common.keyed_calls.call_parts import CallNotHere, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReason:
    """Why a call is stopped from outside. `recorded` True: the ledger knows already."""

    error: HeddleError
    recorded: bool


class LiveCall(Generic[Part]):
    """Belongs to the process, not to a reader: readers come and go and start at the first part.

    At most `limit` parts are kept, of at most `most_bytes` together, and an end of at most as much;
    more raises PayloadTooLarge, which ends the call as failed. `sealed`: what is kept
    of it outside this process is sealed for its run.
    """

    def __init__(
        self,
        *,
        tenant_id: UUID,
        run_id: UUID,
        key: str,
        claim_number: int,
        limit: int,
        most_bytes: int,
        sealed: bool = False,
    ) -> None:
        self.tenant_id = tenant_id
        self.run_id = run_id
        self.key = key
        self.claim_number = claim_number
        self.sealed = sealed
        self.stop_reason: StopReason | None = None
        self.idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._most_bytes = most_bytes
        self._bytes = 0
        self._parts: list[Part] = []
        self._ended = False
        self._error: HeddleError | None = None
        self._news = asyncio.Event()
        self._upstream: asyncio.Task[Part] | None = None

    @property
    def place(self) -> tuple[UUID, str]:
        return self.tenant_id, self.key

    def add(self, part: Part, size: int) -> None:
        """Keep a part of `size` bytes."""
        if len(self._parts) >= self._limit:
            raise PayloadTooLarge(f"The call brought more than {self._limit} parts.")
        self._bytes += size
        self.bound(self._bytes)
        self._parts.append(part)
        self._tell()

    def bound(self, size: int) -> None:
        """Raises PayloadTooLarge where `size` is more than the call may bring."""
        if size > self._most_bytes:
            raise PayloadTooLarge(f"The call brought more than {self._most_bytes} bytes.")

    def end(self, final: Part) -> None:
        """Release the final part, whose record is committed."""
        self._parts.append(final)
        self._ended = True
        self._tell()

    def fail(self, error: HeddleError) -> None:
        """End every reader with `error`."""
        self._error = error
        self._ended = True
        self._tell()

    def lose(self) -> None:
        """The claim is another's now: readers have to ask the ledger again (CallNotHere)."""
        self.fail(CallNotHere("Another process made this call meanwhile."))

    def lose_if_open(self) -> None:
        """`lose`, unless the call has ended."""
        if not self._ended:
            self.lose()

    def carry(self, upstream: asyncio.Task[Part]) -> None:
        """Name the task that `stop` has to end. `idle` is done when it has ended or has to."""
        self._upstream = upstream
        upstream.add_done_callback(self._rest)
        if self.stop_reason is not None:
            upstream.cancel()

    def stop(self, reason: StopReason) -> None:
        """End the upstream's work; the first reason stands."""
        if self.stop_reason is None and not self._ended:
            self.stop_reason = reason
            self._rest()
            if self._upstream is not None:
                self._upstream.cancel()

    async def read(self) -> AsyncGenerator[Part]:
        """Every part from the first. Raises the call's error, or CallNotHere when it was lost."""
        position = 0
        while True:
            news = self._news
            while position < len(self._parts):
                yield self._parts[position]
                position += 1
            if self._ended:
                break
            if news is self._news:
                await news.wait()
        if self._error is not None:
            raise self._error

    def _rest(self, _: object = None) -> None:
        if not self.idle.done():
            self.idle.set_result(None)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

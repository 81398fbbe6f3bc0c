"""The background task that sends what transactions left in the outbox."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import DurableSubject
from libs.common.database.outbox_rows import ClaimedRow, OutboxRow, OutboxRows
from libs.common.database.store_errors import is_transient
from libs.common.errors import HeddleError, PlatformFault, Unavailable
from libs.common.messaging.bus import MessageBus

_log = logging.getLogger(__name__)
_LONGEST_DELAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPace:
    """`batch` rows are claimed at once, for `lease`: so long they wait where a relay dies with
    them, or cannot note that they were sent. One that takes longer has rows sent twice, which the
    bus notices. Woken at once by commits of this process; every `sweep` it looks for rows that
    others left behind. Sent rows go after `keep_sent`."""

    batch: int = 100
    lease: timedelta = timedelta(seconds=10)
    sweep: timedelta = timedelta(seconds=5)
    keep_sent: timedelta = timedelta(hours=1)
    most_tenants: int = 1000


class OutboxRelay:
    """Sends rows in the order of their ids, at least once; the row's id is the message id.

    `subjects` lists every durable subject that may stand in the rows. `whole` gives a row's body
    where it may say that it lies elsewhere. Rows that cannot be sent wait longer each time and
    never hold up the others.
    """

    def __init__(
        self,
        rows: OutboxRows,
        bus: MessageBus,
        subjects: Sequence[DurableSubject[Any]],  # Any: the messages differ in type
        *,
        clock: Clock,
        pace: RelayPace | None = None,
        whole: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self._rows = rows
        self._bus = bus
        self._subjects = {subject.name: subject for subject in subjects}
        self._clock = clock
        self._pace = pace or RelayPace()
        self._whole = whole
        self._woken: set[UUID] = set()
        self._wake = asyncio.Event()

    def wake(self, tenant_id: UUID) -> None:
        """Rows of this tenant were committed. Never blocks; a flood falls back to the sweep."""
        if len(self._woken) < self._pace.most_tenants:
            self._woken.add(tenant_id)
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled. Postgres or the bus being away only delays it."""
        next_sweep = self._clock.monotonic()
        while True:
            self._wake.clear()
            tenants, self._woken = self._woken, set()
            try:
                if self._clock.monotonic() >= next_sweep:
                    next_sweep = self._clock.monotonic() + self._pace.sweep.total_seconds()
                    tenants |= set(await self._rows.tenants_waiting(self._pace.most_tenants))
                    await self._rows.clear_sent(self._pace.keep_sent)
                if tenants:
                    await self.send_waiting(tenants)
            except (HeddleError, OSError) as error:
                _log.warning("the outbox waits: %s", error)
            except Exception as error:
                # The relay must outlive a lock time-out; anything else is a defect to surface.
                if not is_transient(error):
                    raise
                _log.warning("the outbox waits: %s", error)
            await self._rest(next_sweep)

    async def send_waiting(self, tenant_ids: set[UUID]) -> int:
        """Send what is due of these tenants now, and return how many rows were sent.

        Raises Unavailable when the bus is away; what was claimed is then due again in a second.
        """
        total = 0
        while True:
            claimed = await self._rows.claim(sorted(tenant_ids), self._pace.batch, self._pace.lease)
            total += await self._send_all(claimed)
            if len(claimed) < self._pace.batch:
                return total

    async def _send_all(self, claimed: list[ClaimedRow]) -> int:
        sent: list[OutboxRow] = []
        try:
            for position, item in enumerate(claimed):
                try:
                    if await self._send(item):
                        sent.append(item.row)
                except Unavailable as error:
                    left = [other.row for other in claimed[position:]]
                    await self._rows.mark_failed(left, error.message, timedelta(seconds=1))
                    raise
        finally:
            if sent:
                await self._rows.mark_sent(sent)
        return len(sent)

    async def _send(self, claimed: ClaimedRow) -> bool:
        row = claimed.row
        try:
            await self._enqueue(row)
        except Unavailable:
            raise
        except (HeddleError, ValueError) as error:
            _log.warning("outbox row %s was not sent: %s", row.id, error)
            seconds = min(0.5 * 2 ** min(claimed.attempts, 20), _LONGEST_DELAY.total_seconds())
            await self._rows.mark_failed([row], str(error)[:500], timedelta(seconds=seconds))
            return False
        return True

    async def _enqueue(self, row: OutboxRow) -> None:
        subject = self._subjects.get(row.subject)
        if subject is None:
            raise PlatformFault(f"This relay does not know the subject {row.subject}.")
        body = row.body if self._whole is None else await self._whole(row.body)
        message = subject.message.model_validate_json(body)
        envelope = Envelope(tenant_id=row.tenant_id)
        await self._bus.enqueue(subject, message, envelope=envelope, message_id=str(row.id))

    async def _rest(self, until: float) -> None:
        if not self._wake.is_set():
            pause = asyncio.ensure_future(
                self._clock.sleep(max(until - self._clock.monotonic(), 0.0))
            )
            wake = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait((pause, wake), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pause, wake):
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(pause, wake, return_exceptions=True)

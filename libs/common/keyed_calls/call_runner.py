"""Makes one claimed call: upstream to parts, end to record, record to readers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic

from libs.common.clock import Clock
from libs.common.errors import Busy, HeddleError, PlatformFault, Unavailable, WireError
from libs.common.keyed_calls.call_parts import GrowingText, Part, PartShape, close_parts
from libs.common.keyed_calls.ledger import CallLedger, EndStatus, failure_payload
from libs.common.keyed_calls.live_call import LiveCall, StopReason
from libs.common.run_sealing import RunSealing, required

_log = logging.getLogger(__name__)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_CLEAN_UP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRunner(Generic[Part]):
    """`growing` None: no copy is kept outside the process, as for sealed calls in any case;
    `sealing` None: sealed calls are refused."""

    ledger: CallLedger
    shape: PartShape[Part]
    clock: Clock
    growing: GrowingText | None = None
    sealing: RunSealing | None = None

    async def run(
        self,
        call: LiveCall[Part],
        upstream: Callable[[], AsyncIterator[Part]],
        *,
        timeout: float,
        late: HeddleError,
    ) -> None:
        """Make the call and record its end; `late` is its failure after `timeout` seconds."""
        pump = asyncio.create_task(self._pump(call, upstream))
        call.carry(pump)
        too_late = StopReason(error=late, recorded=False)
        alarm = self.clock.call_later(timeout, lambda: call.stop(too_late))
        try:
            await self._finish(call, pump)
        finally:
            alarm.cancel()
            await _ended(pump)
            if self.growing is not None:
                self.growing.end(call.tenant_id, call.key, call.claim_number)

    async def _pump(
        self, call: LiveCall[Part], upstream: Callable[[], AsyncIterator[Part]]
    ) -> Part:
        parts = upstream()
        try:
            async for part in parts:
                if self.shape.is_final(part):
                    return part
                call.add(part, self.shape.size(part))
                if self.growing is not None and not call.sealed:
                    copy = self.shape.encode(part)
                    self.growing.add(call.tenant_id, call.key, call.claim_number, copy)
        finally:
            await close_parts(parts)
        raise PlatformFault("The call ended without its final part.")

    async def _finish(self, call: LiveCall[Part], pump: asyncio.Task[Part]) -> None:
        await self._until_ended(call, pump)
        try:
            final = pump.result()
            payload = self.shape.encode(final)
            call.bound(len(payload))
        except (asyncio.CancelledError, asyncio.InvalidStateError):
            if call.stop_reason is None:
                raise
            await self._fail(call, call.stop_reason)
        except HeddleError as error:
            await self._fail(call, StopReason(error=error, recorded=False))
        except Exception as defect:  # noqa: BLE001
            # A defect in the adapter must still end the call, or its readers wait for ever. Its
            # words may quote a sealed call's secrets.
            traceback = None if call.sealed else defect
            _log.error(
                "a keyed call failed in an unforeseen way: %s",
                type(defect).__name__,
                extra={"key": call.key},
                exc_info=traceback,
            )
            error = PlatformFault("The call failed in an unforeseen way.")
            await self._fail(call, StopReason(error=error, recorded=False))
        else:
            if await self._record(call, "done", payload):
                call.end(final)
            else:
                call.lose()

    async def _until_ended(self, call: LiveCall[Part], pump: asyncio.Task[Part]) -> None:
        await call.idle
        if not pump.done():
            # A stopped upstream may clean up, but not for ever.
            await asyncio.wait((pump,), timeout=_CLEAN_UP_SECONDS)

    async def _fail(self, call: LiveCall[Part], reason: StopReason) -> None:
        # Tells a failure on record from a caller that was not served: both may be Unavailable.
        reason.error.extra["recorded"] = True
        payload = failure_payload(WireError.of(reason.error))
        if reason.recorded or await self._record(call, "failed", payload):
            call.fail(reason.error)
        else:
            call.lose()

    async def _record(self, call: LiveCall[Part], status: EndStatus, payload: bytes) -> bool:
        # The result stays here, and its readers wait, for as long as the ledger is away: giving it
        # out unrecorded would let it happen twice.
        pause = _FIRST_PAUSE
        if call.sealed:
            payload = required(self.sealing).seal(
                payload,
                tenant_id=call.tenant_id,
                run_id=call.run_id,
                place=record_place(call.key),
            )
        while True:
            try:
                return await self.ledger.record(
                    call.tenant_id, call.key, call.claim_number, status, payload
                )
            except (Unavailable, Busy) as error:
                _log.warning("a result waits for its record: %s", error)
            await self.clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def record_place(key: str) -> str:
    """Where a call's record stands, for sealing it."""
    return f"call/{key}"


async def _ended(task: asyncio.Task[Part]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=_CLEAN_UP_SECONDS)

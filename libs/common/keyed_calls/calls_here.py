"""The calls that this process makes, and how it comes to make one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic
from uuid import UUID
from weakref import WeakValueDictionary

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect
from libs.common.errors import Busy, HeddleError, Unavailable, UpstreamTimeout
from libs.common.fair_places import share_of
from libs.common.keyed_calls.call_parts import Part
from libs.common.keyed_calls.call_runner import CallRunner
from libs.common.keyed_calls.ledger import (
    LEASE,
    CallLedger,
    CallStopped,
    ClaimOutcome,
    HeldBy,
    OutcomeUnknown,
    Recorded,
    TakenOver,
)
from libs.common.keyed_calls.live_call import LiveCall, StopReason

_Place = tuple[UUID, str]
_Found = asyncio.Future[LiveCall[Part] | HeldBy | Recorded]
_FRESH_CLAIM_SECONDS = LEASE.total_seconds() / 3
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCall(Generic[Part]):
    """A call as its opener wants it. `repeatable`: may be made again after its holder died.
    `sealed`: its record is sealed for its run."""

    tenant_id: UUID
    effect: Effect
    upstream: Callable[[], AsyncIterator[Part]]
    timeout: float
    repeatable: bool
    sealed: bool = False

    @property
    def place(self) -> _Place:
        return self.tenant_id, self.effect.key

    def late(self) -> HeddleError:
        """What the call has failed with when its time is up."""
        if self.repeatable:
            return UpstreamTimeout("The call did not end in time.", retryable=True)
        return OutcomeUnknown("The call did not end in time; whether it took effect is open.")


class CallsHere(Generic[Part]):
    """Live calls by tenant and key; their tasks belong to the process."""

    def __init__(
        self,
        ledger: CallLedger,
        runner: CallRunner[Part],
        *,
        clock: Clock,
        on_repeat: Callable[[Effect], None],
        most_calls: int,
        most_parts: int,
        most_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._runner = runner
        self._clock = clock
        self._on_repeat = on_repeat
        self._most_calls = most_calls
        self._most_parts = most_parts
        self._most_bytes = most_bytes
        self._closing = False
        self._live: dict[_Place, LiveCall[Part]] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._unsure: dict[_Place, asyncio.Task[None]] = {}
        self._locks: WeakValueDictionary[_Place, asyncio.Lock] = WeakValueDictionary()

    @property
    def count(self) -> int:
        """Calls under way."""
        return len(self._live)

    async def find(self, tenant_id: UUID, key: str) -> LiveCall[Part] | None:
        """The call, also when the answer to its claim is still on its way here."""
        async with self._lock((tenant_id, key)):
            return self._live.get((tenant_id, key))

    async def enter(self, wanted: WantedCall[Part]) -> LiveCall[Part] | HeldBy | Recorded:
        """Claim the call and start it, or tell where it is made or what came of it."""
        # In a task of its own, which goes on to make the call: a reader that goes away in the
        # middle must not leave a claim behind that nobody works on.
        found: _Found[Part] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._work(wanted, found))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await found

    async def stop(self, tenant_id: UUID, run_id: UUID, key: str) -> None:
        """Stop a call that the ledger has as cancelled, if it is made here."""
        # The claim's answer may still be on its way here; the lock orders us after it.
        async with self._lock((tenant_id, key)):
            call = self._live.get((tenant_id, key))
            if call is not None and call.run_id == run_id:
                call.stop(StopReason(error=CallStopped("The call was cancelled."), recorded=True))

    def keys_of_run(self, tenant_id: UUID, run_id: UUID) -> list[str]:
        """The keys of the run's calls that are made here."""
        calls = self._live.values()
        return [call.key for call in calls if (call.tenant_id, call.run_id) == (tenant_id, run_id)]

    async def close(self, drain: float) -> None:
        """Refuse new calls, wait at most `drain` seconds for those under way, drop the rest."""
        self._closing = True
        for unsure in list(self._unsure.values()):
            unsure.cancel()
        if self._working:
            await asyncio.wait([*self._working], timeout=drain)
        left = [*self._working]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _work(self, wanted: WantedCall[Part], found: "_Found[Part]") -> None:
        try:
            entered, new = await self._entered(wanted)
        except asyncio.CancelledError:
            found.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader must hear of it
            if not found.done():
                found.set_exception(error)
            return
        if not found.done():
            found.set_result(entered)
        if new is not None:
            await self._make(wanted, new)

    async def _entered(
        self, wanted: WantedCall[Part]
    ) -> tuple[LiveCall[Part] | HeldBy | Recorded, LiveCall[Part] | None]:
        """Where the call is, and the same again where it is ours to make now."""
        async with self._lock(wanted.place):
            while True:
                self._refuse_when_full(wanted.place)
                asked = self._clock.monotonic()
                outcome = await self._claim(wanted)
                if isinstance(outcome, Recorded):
                    return outcome, None
                if isinstance(outcome, HeldBy):
                    if outcome.holder != self._ledger.holder:
                        return outcome, None
                    call = self._live.get(wanted.place)
                    if call is not None and call.claim_number == outcome.claim_number:
                        return call, None
                    # Our own claim, but its answer was lost: nobody has made the call yet.
                if isinstance(outcome, TakenOver) and wanted.effect.effect_class == "model":
                    self._on_repeat(wanted.effect)
                # An answer that took long may find its lease gone: then the ledger is asked again.
                if self._clock.monotonic() - asked <= _FRESH_CLAIM_SECONDS:
                    call = self._begun(wanted, outcome.claim_number)
                    return call, call

    async def _claim(self, wanted: WantedCall[Part]) -> ClaimOutcome:
        try:
            return await self._ledger.claim(
                wanted.tenant_id, wanted.effect, repeatable=wanted.repeatable
            )
        except Unavailable:
            # The claim may stand although its answer was lost. Other replicas would follow a call
            # that nobody makes for as long as we live; so we find out, and make it.
            if wanted.place not in self._unsure and not self._closing:
                self._unsure[wanted.place] = asyncio.create_task(self._make_sure(wanted))
            raise

    async def _make_sure(self, wanted: WantedCall[Part]) -> None:
        until = self._clock.monotonic() + wanted.timeout
        pause = _FIRST_PAUSE_SECONDS
        try:
            while self._clock.monotonic() < until:
                await self._clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                try:
                    await self.enter(wanted)
                except (Unavailable, Busy):
                    continue
                except HeddleError:
                    # Refused, or recorded as failed: whoever asks again is told so.
                    return
                else:
                    return
        finally:
            self._unsure.pop(wanted.place, None)

    def _begun(self, wanted: WantedCall[Part], claim_number: int) -> LiveCall[Part]:
        call = LiveCall[Part](
            tenant_id=wanted.tenant_id,
            run_id=wanted.effect.run_id,
            key=wanted.effect.key,
            claim_number=claim_number,
            limit=self._most_parts,
            most_bytes=self._most_bytes,
            sealed=wanted.sealed,
        )
        self._live[call.place] = call
        return call

    async def _make(self, wanted: WantedCall[Part], call: LiveCall[Part]) -> None:
        try:
            await self._runner.run(
                call, wanted.upstream, timeout=wanted.timeout, late=wanted.late()
            )
        finally:
            if self._live.get(call.place) is call:
                del self._live[call.place]
            call.lose_if_open()

    def _refuse_when_full(self, place: _Place) -> None:
        if self._closing:
            raise Unavailable("This process is going away.", retry_after=0.5)
        if place not in self._live and self._is_full_for(place[0]):
            raise Busy("Too many calls are under way here.", retry_after=1.0)

    def _is_full_for(self, tenant_id: UUID) -> bool:
        share = share_of(self._most_calls)
        if len(self._live) < share:
            return False
        of_tenant = sum(1 for tenant, _ in self._live if tenant == tenant_id)
        return len(self._live) >= self._most_calls or of_tenant >= share

    def _lock(self, place: _Place) -> asyncio.Lock:
        lock = self._locks.get(place)
        if lock is None:
            lock = self._locks[place] = asyncio.Lock()
        return lock

"""External calls that happen once: claimed before they are made, recorded before they are told."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Generic
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect
from libs.common.errors import HeddleError, UpstreamTimeout, WireError
from libs.common.keyed_calls.call_parts import (
    CallNotHere,
    GrowingText,
    Neighbours,
    Part,
    PartShape,
    close_parts,
)
from libs.common.keyed_calls.call_runner import CallRunner, record_place
from libs.common.keyed_calls.calls_here import CallsHere, WantedCall
from libs.common.keyed_calls.ledger import BEAT, KEEP_ENDED, CallLedger, HeldBy, Recorded, RunPlace
from libs.common.keyed_calls.live_call import LiveCall
from libs.common.run_sealing import RunSealing, required

_log = logging.getLogger(__name__)
_COLLECT_SECONDS = 3600.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class KeyedCalls(Generic[Part]):
    """The keyed calls of one service, as one of its processes sees them.

    `on_repeat` hears every call that may have been made twice (a model call whose holder died).
    `sealing` None: sealed calls are refused. At most `most_calls` are under way here (three
    quarters of them for one tenant), each with at most `most_parts` parts of `most_bytes` together,
    and a final part of at most as much.
    """

    def __init__(
        self,
        ledger: CallLedger,
        shape: PartShape[Part],
        neighbours: Neighbours[Part],
        *,
        clock: Clock,
        growing: GrowingText | None = None,
        sealing: RunSealing | None = None,
        on_repeat: Callable[[Effect], None] = lambda _: None,
        most_calls: int = 2000,
        most_parts: int = 200_000,
        most_bytes: int = 12 * 1024 * 1024,
    ) -> None:
        self._ledger = ledger
        self._shape = shape
        self._neighbours = neighbours
        self._clock = clock
        self._sealing = sealing
        self._here = CallsHere(
            ledger,
            CallRunner(ledger=ledger, shape=shape, clock=clock, growing=growing, sealing=sealing),
            clock=clock,
            on_repeat=on_repeat,
            most_calls=most_calls,
            most_parts=most_parts,
            most_bytes=most_bytes,
        )

    def under_way(self) -> int:
        """Calls that this process makes."""
        return self._here.count

    async def kept_runs(self, runs: Collection[RunPlace]) -> set[RunPlace]:
        """Those of `runs` whose records are kept: they go on, or ended less than
        KEEP_ENDED ago. Raises Unavailable."""
        return await self._ledger.kept_runs(runs)

    @asynccontextmanager
    async def running(self, *, drain: float = 20.0) -> AsyncGenerator[None]:
        """Keep this process' lease inside the block, and collect old records.

        Leaving refuses new calls, waits at most `drain` seconds for those under way, drops the
        rest and gives their claims free. Raises Unavailable when the ledger's store is away.
        """
        await self._ledger.beat()
        upkeep = asyncio.gather(
            self._every(BEAT.total_seconds(), self._ledger.beat),
            self._every(_COLLECT_SECONDS, lambda: self._ledger.collect(KEEP_ENDED)),
        )
        try:
            yield
        finally:
            await self._here.close(drain)
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            with suppress(HeddleError):
                await self._ledger.step_down()

    async def open(
        self,
        tenant_id: UUID,
        effect: Effect,
        upstream: Callable[[], AsyncIterator[Part]],
        *,
        timeout: float,
        upstream_keyed: bool = False,
        sealed: bool = False,
    ) -> AsyncGenerator[Part]:
        """The parts of the call, the final one last: made here, followed, or from the record.

        Closing the iterator does not end the call; `timeout` seconds after its claim do. A call
        of class `keyed` is repeated after its holder died only if `upstream_keyed` says that the
        upstream honours its key. After a takeover the parts start over with the new call's.
        `sealed`: the record is sealed for the effect's run, and its request's hash is keyed.

        A failure of the call is recorded and raised, now and to every later caller. Raises
        StaleEpoch, RunAlreadyEnded, RequestMismatch, OutcomeUnknown, CallStopped; UpstreamTimeout
        when no end was seen in time (nothing is recorded then); Busy and Unavailable.
        """
        wanted = WantedCall(
            tenant_id=tenant_id,
            effect=self._with_keyed_hash(tenant_id, effect) if sealed else effect,
            upstream=upstream,
            timeout=timeout,
            repeatable=_repeatable(effect, upstream_keyed=upstream_keyed),
            sealed=sealed,
        )
        until, pause = self._clock.monotonic() + timeout, _FIRST_PAUSE
        number = told = 0
        while True:
            found = await self._here.enter(wanted)
            if isinstance(found, Recorded):
                yield self._recorded(found, wanted)
                return
            if found.claim_number != number:
                number, told = found.claim_number, 0
            parts, position = self._follow(wanted, found), 0
            try:
                async for part in parts:
                    position += 1
                    if position <= told:
                        continue
                    told, pause = position, _FIRST_PAUSE
                    yield part
                    if self._shape.is_final(part):
                        return
            except HeddleError as error:
                # From a neighbour this may be the call's own failure or the way's: the ledger
                # knows which. Its words may quote a secret.
                if isinstance(found, LiveCall) and not isinstance(error, CallNotHere):
                    raise
                _log.info("a followed call has to be looked up again: %s", type(error).__name__)
            finally:
                await close_parts(parts)
            if self._clock.monotonic() + pause > until:
                raise UpstreamTimeout("The call did not end in time.", retryable=True)
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def attach(self, tenant_id: UUID, key: str, claim_number: int) -> AsyncGenerator[Part]:
        """The parts of a call that is made here, from its first. Raises CallNotHere."""
        call = await self._here.find(tenant_id, key)
        if call is None or call.claim_number != claim_number:
            raise CallNotHere("This process is not making the call.")
        async for part in call.read():
            yield part

    async def cancel(self, tenant_id: UUID, run_id: UUID, key: str, epoch: int) -> bool:
        """Stop a call wherever it runs; whether it was running. Raises StaleEpoch."""
        stopped = await self._ledger.cancel(tenant_id, run_id, key, epoch)
        await self._here.stop(tenant_id, run_id, key)
        if stopped is not None:
            await self._tell(stopped.holder, tenant_id, run_id, key, epoch)
        return stopped is not None

    async def run_ended(self, tenant_id: UUID, run_id: UUID, epoch: int) -> None:
        """Cancel what the run has under way and refuse its later calls. Repeatable."""
        stopped = await self._ledger.run_ended(tenant_id, run_id, epoch)
        here = {claim.key for claim in stopped} | set(self._here.keys_of_run(tenant_id, run_id))
        for key in here:
            await self._here.stop(tenant_id, run_id, key)
        for claim in stopped:
            await self._tell(claim.holder, tenant_id, run_id, claim.key, epoch)

    def _with_keyed_hash(self, tenant_id: UUID, effect: Effect) -> Effect:
        digest = required(self._sealing).digest(
            effect.request_hash, tenant_id=tenant_id, run_id=effect.run_id
        )
        return effect.model_copy(update={"request_hash": digest})

    def _recorded(self, found: Recorded, wanted: WantedCall[Part]) -> Part:
        payload = found.payload
        if wanted.sealed:
            payload = required(self._sealing).reveal(
                payload,
                tenant_id=wanted.tenant_id,
                run_id=wanted.effect.run_id,
                place=record_place(wanted.effect.key),
            )
        if found.status != "done":
            raise WireError.model_validate_json(payload).to_error()
        return self._shape.decode(payload)

    def _follow(
        self, wanted: WantedCall[Part], found: "LiveCall[Part] | HeldBy"
    ) -> AsyncIterator[Part]:
        if isinstance(found, HeldBy):
            effect = wanted.effect
            return self._neighbours.attach(
                found.holder,
                wanted.tenant_id,
                effect.key,
                found.claim_number,
                sealed_run=effect.run_id if wanted.sealed else None,
            )
        return found.read()

    async def _tell(
        self, holder: UUID, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> None:
        if holder == self._ledger.holder:
            return
        try:
            await self._neighbours.cancel(holder, tenant_id, run_id, key, epoch)
        except HeddleError as error:
            # The ledger refuses that call's result in any case; it merely runs on unheard.
            _log.warning("a cancelled call's holder was not reached: %s", error)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            await self._clock.sleep(seconds)
            try:
                await work()
            except HeddleError as error:
                _log.warning("the upkeep of keyed calls waits: %s", error)


def _repeatable(effect: Effect, *, upstream_keyed: bool) -> bool:
    """Whether the call may be made again after its holder died."""
    if effect.effect_class == "keyed":
        return upstream_keyed
    return effect.effect_class in ("idempotent", "model")

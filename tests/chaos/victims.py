"""Who is struck, and what a strike does beyond killing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.engine.app.ports.journal_store import Verdict
from tests.chaos.database import ChaosDatabase
from tests.chaos.profile import LEASE_SECONDS, Victim
from tests.chaos.stack import ChaosStack
from tests.chaos.stale_owner import stale_call, stale_write
from tests.support.settled import settled

_TAKEN_SECONDS = LEASE_SECONDS + 5.0
_LAPSE_SECONDS = 10.0
_CALLED_SECONDS = 5.0
_REPLICATED = frozenset({"engine", "backend"})
_LAPSED = "the lease lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """When, in Unix seconds, and when the victim was ready again; None for one not replaced."""

    at: float
    ready_at: float | None


async def strike(
    victim: Victim, stack: ChaosStack, database: ChaosDatabase, choose: Callable[[list[str]], str]
) -> Struck:
    """Kill or freeze the victim (`choose` says which of two), and see it ready again. Raises
    AssertionError, TimeoutError."""
    if victim == "frozen engine":
        return await _freeze(choose(["engine", "engine-2"]), stack, database)
    name = choose([victim, f"{victim}-2"]) if victim in _REPLICATED else victim
    pid = stack.pid(name)
    at = stack.kill(name)
    return Struck(at=at, ready_at=await asyncio.to_thread(stack.back, name, pid))


async def _freeze(name: str, stack: ChaosStack, database: ChaosDatabase) -> Struck:
    """Until all its runs have another owner; then try what it might try: one write and one call
    under the epoch that it had."""
    before = stack.log(name).count(_LAPSED)
    at = time.time()
    stack.freeze(name)
    owned = await database.owned()

    async def all_taken() -> bool:
        lapsed = await database.lapsed(owned.values())
        return bool(lapsed) and not lapsed & {*(await database.owned()).values()}

    async def fenced() -> bool:
        return bool(await database.fenced(lost))

    async def stopped_its_runs() -> bool:
        return stack.log(name).count(_LAPSED) > before

    try:
        await settled(all_taken, within=_TAKEN_SECONDS)
        lapsed = await database.lapsed(owned.values())
    finally:
        stack.thaw(name)
    lost = [run_id for run_id, owner in owned.items() if owner in lapsed]
    # What fences a call is the highest epoch that its callee has seen, or the run's end.
    await settled(fenced, within=_CALLED_SECONDS)
    run_id = (await database.fenced(lost))[0]
    last = (await database.journal(run_id))[-1].last_seq
    wrote = await stale_write(stack.environment, database.tenant, run_id, last + 1)
    assert wrote is Verdict.LOST
    called = await stale_call(stack.environment, database.tenant, run_id)
    assert called in {"stale_epoch", "run_ended"}
    await settled(stopped_its_runs, within=_LAPSE_SECONDS)
    return Struck(at=at, ready_at=None)


def model_calls_repeated(stack: ChaosStack) -> int:
    """What the operator's metric says of the inference process that runs now."""
    text = httpx.get(f"{stack.url('inference')}/metrics").text
    for family in text_string_to_metric_families(text):
        if family.name == "heddle_keyed_calls_repeated":
            samples = [s.value for s in family.samples if s.name.endswith("_total")]
            return int(sum(samples))
    raise AssertionError("the metric is missing")

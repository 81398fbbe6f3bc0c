"""A round's frame: begin the load, strike at the drawn moment, wait for every run, audit."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import aiohttp

from tests.chaos.audit import audit, nothing_is_left
from tests.chaos.clients import SECONDS, App
from tests.chaos.database import CallRow, ChaosDatabase, RunRow, chaos_database
from tests.chaos.load import Load
from tests.chaos.profile import GRACE_SECONDS, LEASE_SECONDS, RUNS, choices
from tests.chaos.slow_upstream import SlowUpstream
from tests.support.platform import Platform, Replica
from tests.support.settled import settled

_UNDER_WAY_SECONDS = 30.0
_WORDS = (20, 600)
"""A round says about a thousand words; the strike comes after this many of them."""

Strike = Callable[["Round"], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Round:
    """One round under way. `struck_at` and `replaced_at`, when what was killed is ready again, are
    Unix seconds."""

    platform: Platform
    upstream: SlowUpstream
    load: Load
    database: ChaosDatabase
    rng: random.Random
    struck_at: float = 0.0
    replaced_at: float = 0.0

    @property
    def bound(self) -> float:
        """Seconds after the strike in which every run must end. A machine so busy that a process
        starts for longer than a lease has nobody to take the runs before."""
        return max(LEASE_SECONDS, self.replaced_at - self.struck_at) + GRACE_SECONDS

    async def start_again(self, replica: Replica) -> None:
        """Replace a killed process; returns when it is ready."""
        await asyncio.to_thread(replica.start_again)
        self.replaced_at = time.time()

    def strike(self) -> None:
        """Note that it happens now."""
        self.struck_at = time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """`rows` are all runs and `calls` all their keyed calls; `replacements` is how often text was
    withdrawn from a reader; `cut_off` are the runs that had not ended when it struck."""

    round: Round
    rows: list[RunRow]
    calls: list[CallRow]
    replacements: int

    @property
    def cut_off(self) -> list[RunRow]:
        struck = self.round.struck_at
        return [row for row in self.rows if (row.finished_at or 0.0) > struck]

    def claimed_again(self) -> list[float]:
        """Seconds until the next owner, of the runs that got one after the strike."""
        struck = self.round.struck_at
        claims = [row.claimed_at or 0.0 for row in self.rows]
        return [at - struck for at in claims if at > struck]

    def ended(self) -> list[float]:
        struck = self.round.struck_at
        return [(row.finished_at or 0.0) - struck for row in self.cut_off]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The platform under test, its upstream, and the apps under load."""

    platform: Platform
    upstream: SlowUpstream
    apps: list[App]

    async def play(
        self, scenario: str, number: int, strike: Strike, *, patient: bool = False
    ) -> RoundResult:
        """One whole round with everything that must hold afterwards, save what only this scenario
        can know. Raises AssertionError."""
        rng = choices(scenario, number)
        name = f"{scenario} {number}"
        load = Load.drawn(self.platform.url, self.apps, name, RUNS, rng, patient=patient)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            chaos_database(self.platform) as database,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            round_ = Round(
                platform=self.platform,
                upstream=self.upstream,
                load=load,
                database=database,
                rng=rng,
            )
            clients = load.start(http)
            await self._moment(load, rng)
            await strike(round_)
            await asyncio.wait(clients, timeout=SECONDS)
            await _told(clients)
            await _ended(database, load.run_ids)
            rows = await audit(database, load.run_ids)
            await nothing_is_left(database)
            calls = await database.calls(load.run_ids)
            replacements = await load.check(http, self.upstream)
        result = RoundResult(round=round_, rows=rows, calls=calls, replacements=replacements)
        latest = max(result.ended(), default=0.0)
        assert latest <= round_.bound, f"a run ended after {latest:.1f} s, not {round_.bound:.1f}"
        return result

    async def _moment(self, load: Load, rng: random.Random) -> None:
        words = rng.randint(*_WORDS)
        await asyncio.to_thread(
            self.upstream.wait_for_calls, load.first_prompts(), within=_UNDER_WAY_SECONDS
        )
        await asyncio.to_thread(self.upstream.wait_for_words, words, within=_UNDER_WAY_SECONDS)


async def _told(clients: "list[asyncio.Task[None]]") -> None:
    results = await asyncio.gather(*clients, return_exceptions=True)
    failures = [
        f"{task.get_name()}: {result!r}"
        for task, result in zip(clients, results, strict=True)
        if result is not None
    ]
    assert not failures, f"{len(failures)} clients failed:\n" + "\n".join(failures[:10])


async def _ended(database: ChaosDatabase, run_ids: list[UUID]) -> None:
    # The runs that nobody waits for end by themselves.
    async def all_ended() -> bool:
        rows = await database.runs(run_ids)
        return all(row.backend_status == "succeeded" for row in rows)

    await settled(all_ended, within=SECONDS)

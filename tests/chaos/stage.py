"""A round: begin the load, strike at the drawn moment, wait for every run, audit."""

import asyncio
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import aiohttp

from tests.chaos.audit import audit_calls, audit_runs, nothing_is_left
from tests.chaos.clients import SECONDS, App
from tests.chaos.database import chaos_database
from tests.chaos.graphs import Kind
from tests.chaos.load import Load
from tests.chaos.profile import GRACE_SECONDS, LEASE_SECONDS, RUNS, Victim, choices
from tests.chaos.recovery import RoundTold
from tests.chaos.rows import FormRow, RunRow
from tests.chaos.stack import ChaosStack
from tests.chaos.truth import Upstreams
from tests.chaos.victims import Struck, model_calls_repeated, strike

_UNDER_WAY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The stack under test, the world that it calls, and the apps under load."""

    stack: ChaosStack
    upstreams: Upstreams
    apps: dict[Kind, App]

    async def play(self, number: int, victim: Victim) -> RoundTold:
        """One whole round with everything that must hold afterwards. Raises AssertionError."""
        rng = choices(number)
        name = f"{victim.replace(' ', '-')}-{number}"
        load = Load.drawn(self.stack.backends, self.apps, name, RUNS, rng)
        database = await chaos_database(self.stack.environment)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            clients = load.start(http)
            words = await self._moment(victim, load, rng)
            recorded = frozenset(
                call.key for call in await database.calls() if call.status == "done"
            )
            load.struck.set()
            struck = await strike(victim, self.stack, database, rng.choice)
            await asyncio.wait(clients, timeout=SECONDS)
            await _told(clients)
            reconnections = load.reconnections
            await nothing_is_left(database)
            rows = await audit_runs(database, load)
            withdrawn = await load.check(http, self.upstreams)
        calls = await database.calls()
        window = audit_calls(load, calls, recorded, self.upstreams, forgets=victim == "postgres")
        if victim == "inference":
            repeated = sum(call.claim_number - 1 for call in calls if call.service == "inference")
            assert repeated == model_calls_repeated(self.stack), "the metric lies"
        elif victim != "plugin":
            assert window == 0, f"{window} calls repeated or unknown after the death of {victim}"
        forms = await database.forms(load.run_ids)
        told = _told_of(rows, {form.run_id for form in forms}, struck)
        _check_ends(rows, forms, struck)
        return RoundTold(
            number=number,
            victim=victim,
            words=words,
            ready_again=None if struck.ready_at is None else struck.ready_at - struck.at,
            claimed_again=told.claimed_again,
            cut_off=told.cut_off,
            window=window,
            withdrawn=withdrawn,
            reconnections=reconnections,
        )

    async def _moment(self, victim: Victim, load: Load, rng: random.Random) -> int:
        """Wait until the models have said a drawn number of words."""
        # Who freezes must have runs to lose.
        latest = load.words() // (3 if victim == "frozen engine" else 1)
        words = rng.randint(1, latest * 3 // 4)
        await asyncio.to_thread(
            self.upstreams.models.wait_for_words, words, within=_UNDER_WAY_SECONDS
        )
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    claimed_again: list[float]
    cut_off: list[float]


def _told_of(rows: Sequence[RunRow], answered: Collection[UUID], struck: Struck) -> _Times:
    """A run that was `answered` is claimed again in any case."""
    again = [row for row in rows if row.epoch > 1 and row.run_id not in answered]
    claims = [row.claimed_at or 0.0 for row in again]
    ends = [row.finished_at or 0.0 for row in rows]
    return _Times(
        claimed_again=[at - struck.at for at in claims if at > struck.at],
        cut_off=[at - struck.at for at in ends if at > struck.at],
    )


def _check_ends(rows: Sequence[RunRow], forms: Sequence[FormRow], struck: Struck) -> None:
    """Every run ended within the lease and its grace: of the strike, or of its person's answer. A
    machine so busy that a process starts for longer than a lease has nobody to take the runs
    before."""
    away = 0.0 if struck.ready_at is None else struck.ready_at - struck.at
    bound = max(LEASE_SECONDS, away) + GRACE_SECONDS
    answered = {form.run_id: form.acted_at or 0.0 for form in forms}
    for row in rows:
        since = max(struck.at, answered.get(row.run_id, 0.0))
        took = (row.finished_at or 0.0) - since
        assert took <= bound, f"{row.run_id} ended after {took:.1f} s, not {bound:.1f}"


async def _told(clients: "Sequence[asyncio.Task[None]]") -> None:
    results = await asyncio.gather(*clients, return_exceptions=True)
    failures = [
        f"{task.get_name()}: {result!r}"
        for task, result in zip(clients, results, strict=True)
        if result is not None
    ]
    assert not failures, f"{len(failures)} clients failed:\n" + "\n".join(failures[:10])

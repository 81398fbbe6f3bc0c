"""The slow sweep: what a lost wake-up, a dead worker or a lapse of ours left behind."""

from collections.abc import Callable, Collection
from uuid import UUID

from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.run_store import Claim, RunStore

_AT_ONCE = 64


class RunRecovery:
    """`driven` are the runs under way here; `take` begins to drive a claim, `nudge` has a driven
    run drain its commands."""

    def __init__(
        self,
        runs: RunStore,
        commands: CommandStore,
        worker: UUID,
        *,
        room: Callable[[], int],
        driven: Callable[[], Collection[UUID]],
        take: Callable[[Claim], None],
        nudge: Callable[[UUID], None],
    ) -> None:
        self._runs = runs
        self._commands = commands
        self._worker = worker
        self._room = room
        self._driven = driven
        self._take = take
        self._nudge = nudge
        self._own_left = False

    def own_were_dropped(self) -> None:
        """Runs that the store says are ours may not be driven: our lease lapsed, a start failed, or
        the answer to a claim got lost."""
        self._own_left = True

    async def sweep(self) -> None:
        """Raises Unavailable; the next sweep sees the same again."""
        while (room := self._room()) > 0:
            most = min(room, _AT_ONCE)
            own, self._own_left = self._runs.claims_kept_back() or self._own_left, False
            complete = False
            try:
                claims = await self._runs.claim_orphaned(
                    self._worker, driven=self._driven() if own else None, most=most
                )
                complete = len(claims) < most
            finally:
                # Also when it failed, and while there may be more.
                self._own_left = self._own_left or (own and not complete)
            for claim in claims:
                self._take(claim)
            if complete:
                break
        for commanded in await self._commands.commanded_runs(self._worker):
            self._nudge(commanded.run_id)

"""Retires months of the journal that are older than what is to be kept."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from libs.common.clock import Clock
from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import HeddleError
from services.engine.infra.postgres.statements import Statements

_log = logging.getLogger(__name__)

_REST_SECONDS = 3600.0
_SETTLE = timedelta(minutes=10)
"""Longer than an acceptance can take that had begun before a month was closed."""
_RETIRE = "SELECT * FROM engine.retire_journal_month($1, $2)"


class Retired(NamedTuple):
    """One step: closed, reopened, detached, dropped; busy: another worker is at it; None: nothing
    is to be done now. `held`: old months in which some run has not ended."""

    step: str | None
    month: date | None
    held: int


class JournalRetention:
    """`pool` signs in as heddle_app; `months` are kept before the present one. Every worker may
    try: one step is taken at a time."""

    def __init__(
        self,
        pool: Pool,
        months: int,
        *,
        settle: timedelta = _SETTLE,
        on_drop: Callable[[], None] = lambda: None,
        on_held: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._statements = Statements(pool)
        self._months = months
        self._settle = settle
        self._on_drop = on_drop
        self._on_held = on_held

    async def run(self, clock: Clock) -> None:
        """Retire what is due, every hour, until cancelled."""
        while True:
            try:
                await self.retire()
            except HeddleError as error:
                _log.warning("old months of the journal stay for now: %s", error)
            await clock.sleep(_REST_SECONDS)

    async def retire(self) -> list[Retired]:
        """The steps that could be taken now. Raises Unavailable, also when the journal's
        lock was not free: it is waited for only briefly, as commits would wait behind."""
        taken: list[Retired] = []
        while True:
            step = await self._step()
            if step.step in (None, "busy"):
                self._on_held(step.held)
                return taken
            taken.append(step)
            _log.info("the journal of %s is %s", step.month, step.step)
            if step.step == "dropped":
                self._on_drop()
            if step.step == "reopened":
                return taken

    async def _step(self) -> Retired:
        # Once: another try is for the next hour.
        rows = await self._statements.fetch_once(_RETIRE, self._months, self._settle)
        row = rows[0]
        return Retired(row["step"], row["retired"], row["held"])

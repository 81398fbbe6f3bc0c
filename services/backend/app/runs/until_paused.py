"""A run's story up to where it waits for somebody."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.run_events import RunPaused
from libs.common.errors import NotFound, Unavailable, UpstreamTimeout
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.follow_run import FollowedItem
from services.backend.domain.runs.run_joiner import Happened


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilPaused:
    engine: EngineRuns

    async def __call__(
        self, tenant_id: UUID, run_id: UUID, items: AsyncGenerator[FollowedItem]
    ) -> AsyncGenerator[FollowedItem]:
        """The same items, ending with the first pause that nothing has followed yet."""
        async with aclosing(items):
            async for item in items:
                yield item
                if await self._is_last(tenant_id, run_id, item):
                    return

    async def _is_last(self, tenant_id: UUID, run_id: UUID, item: FollowedItem) -> bool:
        if not (isinstance(item, Happened) and isinstance(item.event, RunPaused)):
            return False
        try:
            view = await self.engine.view(tenant_id, run_id)
        except (NotFound, Unavailable, UpstreamTimeout):
            # Who asked comes back, and reads on from here.
            return True
        return view.last_public_seq <= item.event.seq

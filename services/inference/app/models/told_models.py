"""What providers say they serve, asked at most once a minute for each credential."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import UpstreamError
from services.inference.app.ports.chat_wire import OpenedCredential
from services.inference.app.ports.upstream_models import UpstreamModels
from services.inference.domain.catalogue.sheets import ProviderSheet

_KEEP_SECONDS = 60.0
_KEEP_FAILURE_SECONDS = 10.0
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Kept:
    credential: OpenedCredential
    asked: "asyncio.Task[tuple[str, ...]]"
    at: float


class ToldModels:
    """A provider that cannot be asked tells none, and is asked again after 10 s."""

    def __init__(self, upstream: UpstreamModels, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID | None, str], _Kept] = OrderedDict()

    async def names(
        self, tenant_id: UUID | None, provider: ProviderSheet, credential: OpenedCredential
    ) -> tuple[str, ...]:
        """Everybody who asks at once shares one question."""
        place = (tenant_id, provider.id)
        kept = self._kept.get(place)
        if kept is None or kept.credential != credential or self._is_old(kept):
            asked = asyncio.create_task(self._upstream.names(provider, credential))
            kept = self._kept[place] = _Kept(credential, asked, self._clock.monotonic())
            self._kept.move_to_end(place)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        try:
            # Shielded: the first reader's going away must not fail the others.
            return await asyncio.shield(kept.asked)
        except UpstreamError:
            return ()

    def _is_old(self, kept: _Kept) -> bool:
        asked = kept.asked
        if not asked.done():
            return False
        failed = asked.cancelled() or asked.exception() is not None
        seconds = _KEEP_FAILURE_SECONDS if failed else _KEEP_SECONDS
        return self._clock.monotonic() - kept.at >= seconds

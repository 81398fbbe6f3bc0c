"""When keys were last used, written now and then instead of with every request."""

import logging
from datetime import datetime
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import HeddleError
from services.backend.app.ports.api_key_repository import ApiKeyRepository
from services.backend.domain.identity.keys import Principal

_log = logging.getLogger(__name__)
WRITE_SECONDS = 30.0


class KeyUses:
    """A crash loses at most the last 30 s; nothing but a list reads it."""

    def __init__(self, keys: ApiKeyRepository, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._seen: dict[UUID, dict[UUID, datetime]] = {}

    def note(self, principal: Principal) -> None:
        self._seen.setdefault(principal.tenant_id, {})[principal.key_id] = self._clock.now()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._clock.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except HeddleError as error:
                _log.warning("the last use of keys was not written: %s", error.message)

    async def write(self) -> None:
        """Write what was noted since the last time."""
        seen, self._seen = self._seen, {}
        for tenant_id, uses in seen.items():
            await self._keys.used(tenant_id, uses)

"""Credentials by reference: asked of the backend, opened here, kept in memory for a second or
until the backend tells that they changed."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CREDENTIAL, CREDENTIAL_CHANGED
from libs.common.errors import Busy, Unavailable, UpstreamTimeout
from libs.common.messaging.bus import MessageBus
from libs.common.retry_policy import RetryPolicy
from libs.common.retrying import retrying
from libs.common.sealed_box import SealedBox
from services.inference.app.ports.chat_wire import OpenedCredential

_ASK_SECONDS = 5.0
_KEEP_SECONDS = 1.0
_LISTEN_SECONDS = 60.0
_MOST_KEPT = 10_000
_BACKEND_AWAY = RetryPolicy(
    name="credential",
    attempts=10_000,
    first=timedelta(milliseconds=50),
    cap=timedelta(seconds=1),
    total=timedelta(seconds=120),
)
"""A backend that restarts must delay calls, not fail the runs that make them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    credential: OpenedCredential | None
    until: float


class BackendCredentials:
    """Implements CredentialSource. A change is in force everywhere within a second, and at once
    where `hear_changes` runs and hears of it."""

    def __init__(self, bus: MessageBus, box: SealedBox, clock: Clock) -> None:
        self._bus = bus
        self._box = box
        self._clock = clock
        self._kept: OrderedDict[tuple[UUID, str], _Kept] = OrderedDict()
        self._changes = 0

    async def hear_changes(self) -> None:
        """Forget what the backend says has changed, until cancelled."""
        async with self._bus.listen(CREDENTIAL_CHANGED) as listener:
            while True:
                try:
                    changed = await listener.next(timeout=_LISTEN_SECONDS)
                except Busy:
                    self._changes += 1
                    self._kept.clear()
                    continue
                if changed is not None:
                    self._changes += 1
                    self._kept.pop((changed.tenant_id, changed.provider), None)

    async def open(self, tenant_id: UUID | None, provider: str) -> OpenedCredential | None:
        if tenant_id is None:
            return None
        now = self._clock.monotonic()
        kept = self._kept.get((tenant_id, provider))
        if kept is not None and now < kept.until:
            return kept.credential
        changes = self._changes
        credential = await self._ask(tenant_id, provider)
        if changes != self._changes:
            return credential  # it may have been read before the change
        self._kept[tenant_id, provider] = _Kept(credential, now + _KEEP_SECONDS)
        self._kept.move_to_end((tenant_id, provider))
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return credential

    async def _ask(self, tenant_id: UUID, provider: str) -> OpenedCredential | None:
        async def once() -> SealedCredential:
            return await self._bus.request(
                CREDENTIAL,
                CredentialQuery(tenant_id=tenant_id, provider=provider),
                envelope=Envelope(tenant_id=tenant_id),
                timeout=_ASK_SECONDS,
            )

        found = await retrying(
            _BACKEND_AWAY, once, retry_on=(Unavailable, UpstreamTimeout), clock=self._clock
        )
        if not found.found:
            return None
        opened = self._box.open(found.sealed, tenant_id=tenant_id, purpose=f"provider:{provider}")
        values = {str(name): str(value) for name, value in json.loads(opened).items() if value}
        return OpenedCredential(base_url=found.base_url, values=values)

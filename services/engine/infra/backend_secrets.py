"""Secret environment values: asked of the backend, opened here, kept in memory for a minute."""

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.environment_secrets import (
    SealedSecrets,
    SecretReference,
    SecretsQuery,
    secret_purpose,
)
from libs.common.contracts.subjects import ENVIRONMENT_SECRETS
from libs.common.errors import Unavailable, UpstreamTimeout
from libs.common.messaging.bus import MessageBus
from libs.common.retry_policy import RetryPolicy
from libs.common.retrying import retrying
from libs.common.sealed_box import SealedBox, SealedBoxRefused
from services.engine.domain.variables.values import Value

_log = logging.getLogger(__name__)
_ASK_SECONDS = 5.0
_KEEP_SECONDS = 60.0
_MOST_KEPT = 2000

_Place = tuple[UUID, UUID, str, int]


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Value = field(repr=False)
    until: float


class BackendSecrets:
    """Implements EnvironmentSecrets. A value under a version never changes, so an old copy is
    wrong only about being gone."""

    def __init__(self, bus: MessageBus, box: SealedBox, clock: Clock) -> None:
        self._bus = bus
        self._box = box
        self._clock = clock
        self._kept: OrderedDict[_Place, _Kept] = OrderedDict()

    async def open(
        self, tenant_id: UUID, app_id: UUID, wanted: Mapping[str, int], *, patience: float
    ) -> Mapping[str, Value]:
        now = self._clock.monotonic()
        found: dict[str, Value] = {}
        unknown: list[SecretReference] = []
        for name, version in wanted.items():
            kept = self._kept.get((tenant_id, app_id, name, version))
            if kept is not None and now < kept.until:
                found[name] = kept.value
            else:
                unknown.append(SecretReference(name=name, version=version))
        if unknown:
            query = SecretsQuery(tenant_id=tenant_id, app_id=app_id, wanted=tuple(unknown))
            found |= self._opened(query, await self._ask(query, patience))
        return found

    async def _ask(self, query: SecretsQuery, patience: float) -> SealedSecrets:
        async def once() -> SealedSecrets:
            return await self._bus.request(
                ENVIRONMENT_SECRETS,
                query,
                envelope=Envelope(tenant_id=query.tenant_id),
                timeout=min(_ASK_SECONDS, patience),
            )

        try:
            return await retrying(
                _backend_away(patience), once, retry_on=(Unavailable,), clock=self._clock
            )
        except UpstreamTimeout as error:
            raise Unavailable("the backend does not answer for secrets") from error

    def _opened(self, query: SecretsQuery, answer: SealedSecrets) -> dict[str, Value]:
        tenant_id, app_id = query.tenant_id, query.app_id
        until = self._clock.monotonic() + _KEEP_SECONDS
        opened: dict[str, Value] = {}
        for each in answer.found:
            purpose = secret_purpose(app_id, each.name, each.version)
            try:
                raw = self._box.open(each.sealed, tenant_id=tenant_id, purpose=purpose)
            except SealedBoxRefused as error:
                _log.error("a secret of app %s stays closed: %s", app_id, error.message)
                continue
            value: Value = json.loads(raw)
            opened[each.name] = value
            self._keep((tenant_id, app_id, each.name, each.version), _Kept(value, until))
        return opened

    def _keep(self, place: _Place, kept: _Kept) -> None:
        self._kept[place] = kept
        self._kept.move_to_end(place)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def _backend_away(patience: float) -> RetryPolicy:
    return RetryPolicy(
        name="secrets",
        attempts=10_000,
        first=timedelta(milliseconds=50),
        cap=timedelta(seconds=1),
        total=timedelta(seconds=patience),
    )

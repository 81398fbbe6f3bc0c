"""One keyed call under its budget of time: what an attempt needs to know."""

import random
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.retry_policy import RetryPolicy
from services.engine.app.effects.effect_sink import EffectSink


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedCall:
    """`deadline` is an instant of the monotonic clock, `seconds` the budget it came from.
    `sealed`: the run has secrets, so what is asked and answered crosses and is kept sealed."""

    tenant_id: UUID
    effect: Effect
    sink: EffectSink
    clock: Clock
    seconds: float
    deadline: float
    sealed: bool = False

    @property
    def key(self) -> str:
        return self.effect.key

    @property
    def envelope(self) -> Envelope:
        sealed_run = self.effect.run_id if self.sealed else None
        return Envelope(tenant_id=self.tenant_id, effect=self.effect, sealed_run=sealed_run)

    @property
    def remaining(self) -> float:
        return self.deadline - self.clock.monotonic()

    async def back_off(self, tries: int, policy: RetryPolicy) -> None:
        """Wait before asking again; never beyond the deadline."""
        ceiling = min(
            policy.cap.total_seconds(), policy.first.total_seconds() * 2 ** min(tries, 20)
        )
        await self.clock.sleep(min(random.uniform(0.0, ceiling), max(self.remaining, 0.0)))

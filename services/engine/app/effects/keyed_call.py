"""One keyed call under its budget of time: what an attempt needs to know."""

import random
from dataclasses import dataclass

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.retry_policy import RetryPolicy
from services.engine.app.effects.effect_sink import EffectSink


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedCall:
    """`question` is the request as it travels. `deadline` is an instant of the monotonic clock,
    `seconds` the budget it came from."""

    key: str
    envelope: Envelope
    question: bytes
    sink: EffectSink
    clock: Clock
    seconds: float
    deadline: float

    @property
    def remaining(self) -> float:
        return self.deadline - self.clock.monotonic()

    async def back_off(self, tries: int, policy: RetryPolicy) -> None:
        """Wait before asking again; never beyond the deadline."""
        ceiling = min(
            policy.cap.total_seconds(), policy.first.total_seconds() * 2 ** min(tries, 20)
        )
        await self.clock.sleep(min(random.uniform(0.0, ceiling), max(self.remaining, 0.0)))

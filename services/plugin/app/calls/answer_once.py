"""Answer a call that has one reply: under a key once and on record."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from pydantic import BaseModel

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.keyed_calls import AttachedResult
from libs.common.errors import InvalidInput, UpstreamError
from libs.common.keyed_calls.keyed_calls import KeyedCalls

Reply = TypeVar("Reply", bound=BaseModel)
DEFAULT_SECONDS = 600.0


class SingleReply:
    """How such a call looks to keyed calls: one part, which is the whole reply."""

    def is_final(self, part: AttachedResult) -> bool:
        return True

    def size(self, part: AttachedResult) -> int:
        return len(part.payload.encode())

    def encode(self, part: AttachedResult) -> bytes:
        return part.payload.encode()

    def decode(self, payload: bytes) -> AttachedResult:
        return AttachedResult(payload=payload.decode())


class AnswerOnce:
    def __init__(self, keyed: KeyedCalls[AttachedResult]) -> None:
        self._keyed = keyed

    async def run(self, envelope: Envelope, act: Callable[[], Awaitable[Reply]]) -> Reply | bytes:
        """The reply of `act`, which is not called when the envelope's key is on record.

        Under a key it is the JSON that was put on record. Without one `act` is simply called.
        Raises what `act` and KeyedCalls raise.
        """
        effect = envelope.effect
        if effect is None:
            return await act()
        if envelope.tenant_id is None:
            msg = "a keyed call needs a tenant in its envelope"
            raise InvalidInput(msg)

        async def upstream() -> AsyncGenerator[AttachedResult, None]:
            yield AttachedResult(payload=(await act()).model_dump_json())

        parts = self._keyed.open(
            envelope.tenant_id,
            effect,
            upstream,
            timeout=envelope.remaining_seconds or DEFAULT_SECONDS,
            upstream_keyed=effect.effect_class == "keyed",
            sealed=envelope.sealed_run is not None,
        )
        async with aclosing(parts):
            async for part in parts:
                return part.payload.encode()
        raise UpstreamError("the call ended without a reply", retryable=True)

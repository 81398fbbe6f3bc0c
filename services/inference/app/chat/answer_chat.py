"""Answer a chat call: keyed calls once and on record, all others as long as somebody reads."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from libs.common.contracts.chat import (
    ChatCall,
    ChatCallPart,
    ChatPart,
    Completed,
    Failed,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallDelta,
)
from libs.common.contracts.envelope import Envelope
from libs.common.errors import InvalidInput, UpstreamError, WireError
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from services.inference.app.chat.bring_images import BringImages, names_images
from services.inference.app.chat.complete_chat import CompleteChat

DEFAULT_SECONDS = 600.0


class ChatParts:
    """How a chat's parts look to keyed calls: `Completed` is final and holds the whole answer."""

    def is_final(self, part: ChatCallPart) -> bool:
        return bool(part.parts) and isinstance(part.parts[-1], Completed)

    def size(self, part: ChatCallPart) -> int:
        return sum(map(_size, part.parts))

    def encode(self, part: ChatCallPart) -> bytes:
        return part.model_dump_json().encode()

    def decode(self, payload: bytes) -> ChatCallPart:
        return ChatCallPart.model_validate_json(payload)


class AnswerChat:
    def __init__(
        self, *, complete: CompleteChat, keyed: KeyedCalls[ChatCallPart], images: BringImages
    ) -> None:
        self._complete = complete
        self._keyed = keyed
        self._images = images

    async def run(self, call: ChatCall, envelope: Envelope) -> AsyncGenerator[ChatCallPart, None]:
        """The parts of the answer.

        Under a key it survives its reader and is answered from the record the next time, and an
        upstream failure is its last part, told apart from a caller that was not served. Without
        one, closing the iterator ends the upstream call, and every error is raised.
        """
        parts = self._parts(call, envelope)
        async with aclosing(parts):
            try:
                async for part in parts:
                    yield part
            except UpstreamError as error:
                if envelope.effect is None:
                    raise
                yield ChatCallPart(parts=(Failed(error=WireError.of(error)),))

    def _parts(self, call: ChatCall, envelope: Envelope) -> AsyncGenerator[ChatCallPart, None]:
        effect, tenant_id = envelope.effect, envelope.tenant_id
        if effect is None:
            return self._completed(call, envelope)
        return self._keyed.open(
            _tenant(tenant_id),
            effect,
            lambda: self._completed(call, envelope, effect.key),
            timeout=envelope.remaining_seconds or DEFAULT_SECONDS,
            sealed=envelope.sealed_run is not None,
        )

    def _completed(
        self, call: ChatCall, envelope: Envelope, key: str = ""
    ) -> AsyncGenerator[ChatCallPart, None]:
        if names_images(call):
            return self._with_images(call, envelope, key)
        return self._complete.run(call, tenant_id=envelope.tenant_id, idempotency_key=key)

    async def _with_images(
        self, call: ChatCall, envelope: Envelope, key: str
    ) -> AsyncGenerator[ChatCallPart, None]:
        shown = await self._images.run(call, envelope)
        parts = self._complete.run(shown, tenant_id=envelope.tenant_id, idempotency_key=key)
        async with aclosing(parts):
            async for part in parts:
                yield part


def _size(part: ChatPart) -> int:
    match part:
        case TextPart() | ReasoningPart() | RefusalPart():
            return len(part.text.encode("utf-8", "surrogatepass"))
        case ToolCallDelta():
            return len(part.arguments.encode("utf-8", "surrogatepass"))
        case _:
            return 0


def _tenant(tenant_id: UUID | None) -> UUID:
    if tenant_id is None:
        msg = "a keyed call needs a tenant in its envelope"
        raise InvalidInput(msg)
    return tenant_id

"""OpenAI's wire under the workspace's key, passed on to inference."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from libs.common.contracts.chat import ChatCallPart, ModelQuery
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CHAT, MODELS
from libs.common.messaging.bus import MessageBus
from libs.common.openai_wire.chat_answer import event_stream, past_first_content, whole_answer
from libs.common.openai_wire.chat_request import ChatCompletionRequest
from libs.common.openai_wire.error_response import ERRORS
from libs.common.openai_wire.model_list import model_list_body
from libs.common.strict_json import StrictJsonRoute
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.event_stream import EventStreamResponse

_MODELS_SECONDS = 10.0


def openai_router(bus: MessageBus, caller: CallerOf, *, chat_seconds: float) -> APIRouter:
    """`chat_seconds` bounds one completion and the silence within it."""
    router = APIRouter(prefix="/v1", tags=["openai"], route_class=StrictJsonRoute, responses=ERRORS)
    workspace = Depends(caller.of("ws"))

    @router.post("/chat/completions", response_model=None)
    async def chat_completions(
        request: ChatCompletionRequest, who: Annotated[Principal, workspace]
    ) -> Response:
        """A completion, whole or streamed; it ends with its reader."""
        parts = _generated(
            bus.stream(
                CHAT,
                request.to_call(),
                envelope=Envelope(tenant_id=who.tenant_id),
                timeout=chat_seconds,
                idle_timeout=chat_seconds,
            )
        )
        if not request.stream:
            async with aclosing(parts):
                return JSONResponse(await whole_answer(parts, request.model))
        opened = await past_first_content(parts)
        usage = request.stream_options is not None and request.stream_options.include_usage
        return EventStreamResponse(event_stream(opened, request.model, include_usage=usage))

    @router.get("/models")
    async def models(who: Annotated[Principal, workspace]) -> dict[str, Any]:
        """Every model that the workspace may use."""
        found = await bus.request(
            MODELS,
            ModelQuery(tenant_id=who.tenant_id),
            envelope=Envelope(tenant_id=who.tenant_id),
            timeout=_MODELS_SECONDS,
        )
        return model_list_body(found)

    _ = (chat_completions, models)
    return router


async def _generated(parts: AsyncIterator[ChatCallPart]) -> AsyncGenerator[ChatCallPart]:
    try:
        async for part in parts:
            yield part
    finally:
        # Closing it tells inference that nobody listens any more.
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()

"""OpenAI's wire on the service itself: /v1/chat/completions and /v1/models.

For platform teams inside the cluster; everybody else goes through the backend's /v1, which knows
keys and tenants.
"""

import hmac
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Scope

from libs.common.contracts.chat import ModelQuery
from libs.common.contracts.envelope import Envelope
from libs.common.errors import HeddleError, Unauthenticated
from libs.common.openai_wire.chat_answer import event_stream, past_first_content, whole_answer
from libs.common.openai_wire.chat_request import ChatCompletionRequest
from libs.common.openai_wire.error_response import ERRORS, openai_error_response
from libs.common.openai_wire.model_list import model_list_body
from libs.common.problem_responses import problem_response
from libs.common.strict_json import StrictJsonRoute
from services.inference.app.chat.answer_chat import AnswerChat
from services.inference.app.models.list_models import ListModels

_SSE_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def render_error(scope: Scope, error: HeddleError) -> Response:
    """Errors below /v1 in OpenAI's shape, all others as problem documents."""
    if str(scope.get("path", "")).startswith("/v1/"):
        return openai_error_response(scope, error)
    return problem_response(scope, error)


def openai_router(*, answer: AnswerChat, models: ListModels, http_key: str | None) -> APIRouter:
    """The two routes. With an `http_key`, callers must show it, and may then name the tenant whose
    credentials are meant in the header `Heddle-Tenant`; without one nobody can."""
    router = APIRouter(prefix="/v1", tags=["openai"], route_class=StrictJsonRoute, responses=ERRORS)

    def tenant(
        authorization: Annotated[str, Header()] = "",
        heddle_tenant: Annotated[UUID | None, Header()] = None,
    ) -> UUID | None:
        if http_key is None:
            return None
        if not hmac.compare_digest(authorization.encode(), f"Bearer {http_key}".encode()):
            msg = "show the key of this service as `Authorization: Bearer ...`"
            raise Unauthenticated(msg)
        return heddle_tenant

    async def chat_completions(
        request: ChatCompletionRequest, tenant_id: Annotated[UUID | None, Depends(tenant)]
    ) -> Response:
        """A completion, whole or streamed."""
        parts = answer.run(request.to_call(), Envelope(tenant_id=tenant_id))
        if not request.stream:
            return JSONResponse(await whole_answer(parts, request.model))
        opened = await past_first_content(parts)
        usage = request.stream_options is not None and request.stream_options.include_usage
        events = event_stream(opened, request.model, include_usage=usage)
        return StreamingResponse(events, media_type="text/event-stream", headers=_SSE_HEADERS)

    async def list_models(
        tenant_id: Annotated[UUID | None, Depends(tenant)],
    ) -> dict[str, Any]:
        """Every model that has a sheet of its own."""
        return model_list_body(await models.run(ModelQuery(tenant_id=tenant_id)))

    router.add_api_route("/chat/completions", chat_completions, methods=["POST"])
    router.add_api_route("/models", list_models, methods=["GET"])
    return router

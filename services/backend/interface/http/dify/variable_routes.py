"""Variables of conversations on Dify's wire."""

import json
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import JsonValue

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.conversations.conversation_variables import ConversationVariablesOf
from services.backend.domain.conversations.records import ShownVariable
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.bodies import VariableBody, user_or_default
from services.backend.interface.http.dify.errors import ERRORS

_NUMBERS = frozenset({"integer", "float"})
Limit = Annotated[int, Query(ge=1, le=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableDoor:
    caller: CallerOf
    variables: ConversationVariablesOf


def variable_router(door: VariableDoor) -> APIRouter:
    router = APIRouter(
        prefix="/v1/conversations/{conversation_id}/variables",
        tags=["dify: conversations"],
        route_class=StrictJsonRoute,
        responses=ERRORS,
    )
    app_key = Depends(door.caller.of("app"))

    @router.get("")
    async def variables(
        conversation_id: UUID,
        who: Annotated[Principal, app_key],
        user: str | None = None,
        last_id: str | None = None,
        limit: Limit = 20,
        variable_name: str | None = None,
    ) -> dict[str, JsonValue]:
        page = await door.variables.page(
            who.tenant_id,
            app_of(who),
            end_user_id(app_of(who), user_or_default(user)),
            conversation_id,
            after=last_id or None,
            limit=limit,
            name=variable_name or None,
        )
        data: list[JsonValue] = [_variable(found) for found in page.variables]
        return {"limit": limit, "has_more": page.more, "data": data}

    @router.put("/{variable_id}")
    async def change(
        conversation_id: UUID,
        variable_id: str,
        body: VariableBody,
        who: Annotated[Principal, app_key],
    ) -> dict[str, JsonValue]:
        changed = await door.variables.change(
            who.tenant_id,
            app_of(who),
            end_user_id(app_of(who), user_or_default(body.user)),
            conversation_id,
            variable_id,
            body.value,
        )
        return _variable(changed)

    _ = (variables, change)
    return router


def _variable(found: ShownVariable) -> dict[str, JsonValue]:
    value = found.value
    return {
        "id": found.id,
        "name": found.name,
        "value_type": "number" if found.value_type in _NUMBERS else found.value_type,
        "value": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        "description": found.description,
        "created_at": int(found.created_at.timestamp()),
        "updated_at": int(found.updated_at.timestamp()),
    }

"""Steering runs that are under way, on the native API."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field

from libs.common.contracts.run_commands import VariableUpdate
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.runs.command_run import CommandRun
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.run_views import RunCommanded

IdempotencyKey = Annotated[str | None, Header(max_length=255)]


class PauseBody(BaseModel):
    """`reason` is shown to the run's callers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(default="Paused by user.", min_length=1, max_length=1000)


class VariablesBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    updates: tuple[VariableUpdate, ...] = Field(min_length=1, max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDoor:
    caller: CallerOf
    command: CommandRun


def native_command_router(door: CommandDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["runs"], route_class=StrictJsonRoute)
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.post("/runs/{run_id}/pause", status_code=202)
    async def pause(
        run_id: UUID,
        body: PauseBody,
        who: Annotated[Principal, workspace],
        idempotency_key: IdempotencyKey = None,
    ) -> RunCommanded:
        """Begin nothing new; what is under way ends and is recorded, then the run is parked."""
        status = await door.command.pause(
            who.tenant_id, run_id, body.reason, occasion=idempotency_key
        )
        return RunCommanded(run_id=run_id, status=status)

    @router.post("/runs/{run_id}/variables", status_code=202)
    async def variables(
        run_id: UUID,
        body: VariablesBody,
        who: Annotated[Principal, workspace],
        idempotency_key: IdempotencyKey = None,
    ) -> RunCommanded:
        """Change variables of the run for all that is begun from then on."""
        status = await door.command.update_variables(
            who.tenant_id, run_id, body.updates, occasion=idempotency_key
        )
        return RunCommanded(run_id=run_id, status=status)

    _ = (pause, variables)
    return router

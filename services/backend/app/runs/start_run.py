"""Accept a run and follow it."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from libs.common.clock import Clock
from libs.common.contracts.child_runs import PinnedWorkflow
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_limits import (
    NO_BOUNDS,
    RunBounds,
    RunLimits,
    declared_bounds,
    narrowed,
)
from libs.common.identifiers import uuid7
from libs.common.tracing import current_traceparent
from services.backend.app.apps.published_apps import PublishedApp, PublishedApps
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.conversations.open_turn import OpenedTurn, OpenTurn
from services.backend.app.errors import (
    IdempotencyKeyReused,
    InputTooLarge,
    NotChatApp,
    NotWorkflowApp,
)
from services.backend.app.files.accept_files import AcceptFiles, named_files
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.follow_run import FollowedItem, FollowRun
from services.backend.app.runs.hand_over import HandOver
from services.backend.domain.apps.pinned_variables import conversation_values, environment_values
from services.backend.domain.apps.run_roots import root_inputs
from services.backend.domain.apps.start_form import start_variables
from services.backend.domain.files.records import FileOwner
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.runs.records import NewRun
from services.backend.domain.runs.request_hash import run_request_hash

_MODE_MISFIT = "Please check if your app mode matches the right API route."
INPUT_BYTES = 4 * 1024 * 1024
"""What one run may be given, as JSON."""

_ALREADY_HANDED = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a caller asks. `query` None: not a turn of a conversation. `version_id` None: the
    published one. `root` is the node to begin with, None the version's first."""

    tenant_id: UUID
    app_id: UUID
    session_id: str
    inputs: dict[str, JsonValue]
    files: list[JsonValue]
    query: str | None = None
    conversation_id: UUID | None = None
    auto_name: bool = True
    version_id: UUID | None = None
    idempotency_key: str | None = None
    limits: RunBounds = NO_BOUNDS
    root: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """A run whose acceptance is committed."""

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    version_id: UUID
    mode: str
    end_user_id: UUID
    session_id: str
    acceptance: AcceptRun
    created_at: datetime
    conversation_id: UUID | None = None
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    apps: PublishedApps
    runs: RunRepository
    open_turn: OpenTurn
    accept_files: AcceptFiles
    hand_over: HandOver
    follow_run: FollowRun
    sub_workflows: SubWorkflows
    clock: Clock
    limits: RunLimits

    async def __call__(self, request: RunRequest) -> StartedRun:
        """Commit the acceptance. From here on the run happens, whoever listens.

        Raises NotFound, AppNotPublished, NotChatApp, NotWorkflowApp, RootUnknown, InputRefused,
        InputTooLarge, IdempotencyKeyReused, FileUnknown, SubWorkflowUnresolved.
        """
        app = await self.apps.app(request.tenant_id, request.app_id)
        if request.query is None and app.mode != "workflow":
            raise NotWorkflowApp(_MODE_MISFIT)
        if request.query is not None and app.mode != "advanced-chat":
            raise NotChatApp(_MODE_MISFIT)
        chosen = await self.apps.published(request.tenant_id, app, request.version_id)
        variables = start_variables(chosen.version.definition)
        inputs = root_inputs(chosen.version.definition, request.root, request.inputs)
        _check_size(inputs, request)
        user_id = end_user_id(request.app_id, request.session_id)
        owner = FileOwner(tenant_id=request.tenant_id, app_id=request.app_id, end_user_id=user_id)
        inputs = await self.accept_files.inputs(owner, variables, inputs)
        features = chosen.version.definition.features
        files = await self.accept_files.sent(owner, features, request.files)
        new = await self._new_run(replace(request, files=files), chosen, inputs, request.files)
        begun = await self.runs.begin(new)
        if begun.run_id == new.run_id:
            return _started(request.tenant_id, new, self.clock.now())
        if begun.request_hash != new.request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another run.")
        return await self.known(request.tenant_id, begun.run_id)

    async def known(self, tenant_id: UUID, run_id: UUID) -> StartedRun:
        """A run that was begun before."""
        run = await self.runs.find(tenant_id, run_id)
        assert run is not None
        return StartedRun(
            tenant_id=tenant_id,
            run_id=run_id,
            app_id=run.app_id,
            version_id=run.version_id,
            mode=run.mode,
            end_user_id=run.end_user_id,
            session_id=run.session_id,
            acceptance=run.acceptance,
            created_at=run.created_at,
            conversation_id=run.conversation_id,
            message_id=run.message_id,
        )

    def follow(self, run: StartedRun) -> AsyncGenerator[FollowedItem]:
        """Hand the run over and tell everything that happens, from its beginning."""

        async def once_listening() -> bool:
            accepted = await self.hand_over.accepted(run.acceptance, run.version_id)
            return accepted.already_known or accepted.status not in _ALREADY_HANDED

        return self.follow_run(run.tenant_id, run.run_id, once_listening=once_listening)

    async def _new_run(
        self,
        request: RunRequest,
        chosen: PublishedApp,
        inputs: dict[str, JsonValue],
        asked_files: list[JsonValue],
    ) -> NewRun:
        user_id = end_user_id(request.app_id, request.session_id)
        opened: OpenedTurn | None = None
        if request.query is not None:
            opened = await self.open_turn(
                request.tenant_id,
                request.app_id,
                user_id,
                request.query,
                request.conversation_id,
                auto_name=request.auto_name,
            )
        called = await self.sub_workflows.pinned(request.tenant_id, chosen.version)
        acceptance = self._acceptance(request, chosen, inputs, opened, called)
        return NewRun(
            acceptance=acceptance,
            version_id=chosen.version.version_id,
            mode=chosen.app.mode,
            end_user_id=user_id,
            session_id=request.session_id,
            turn=replace(opened.turn, files=(*request.files,)) if opened else None,
            idempotency_key=(
                None if request.idempotency_key is None else f"{user_id}/{request.idempotency_key}"
            ),
            request_hash=run_request_hash(
                request.app_id,
                request.inputs,
                request.query or "",
                request.conversation_id,
                {**request.limits.model_dump(), "root": request.root, "files": asked_files or None},
            ),
            file_ids=named_files(acceptance),
        )

    def _acceptance(
        self,
        request: RunRequest,
        chosen: PublishedApp,
        inputs: dict[str, JsonValue],
        opened: OpenedTurn | None,
        called: tuple[PinnedWorkflow, ...],
    ) -> AcceptRun:
        run_id = uuid7()
        system: dict[str, JsonValue] = {
            "files": request.files,
            "user_id": request.session_id,
            "app_id": str(request.app_id),
            "workflow_id": str(chosen.version.version_id),
            "workflow_run_id": str(run_id),
            "timestamp": int(self.clock.now().timestamp()),
        }
        if opened is not None:
            system |= {
                "query": opened.turn.query,
                "conversation_id": str(opened.turn.conversation_id),
                "dialogue_count": len(opened.history) + 1,
            }
        definition = chosen.version.definition
        return AcceptRun(
            tenant_id=request.tenant_id,
            run_id=run_id,
            app_id=request.app_id,
            workflow_hash=chosen.version.content_hash,
            inputs=inputs,
            system=system,
            environment=environment_values(definition),
            conversation_variables=conversation_values(definition),
            history=opened.history if opened else (),
            limits=narrowed(self.limits, declared_bounds(definition.features), request.limits),
            root=request.root,
            conversation_id=opened.turn.conversation_id if opened else None,
            takes_turns=opened is not None and definition.takes_turns,
            traceparent=current_traceparent(),
            sub_workflows=called,
        )


def _check_size(inputs: dict[str, JsonValue], request: RunRequest) -> None:
    # The journal keeps an input at every node that reads it, and a row of it holds 32 MB.
    given = json.dumps([inputs, request.files, request.query], ensure_ascii=False)
    if len(given.encode()) > INPUT_BYTES:
        raise InputTooLarge(f"The run is given more than {INPUT_BYTES} bytes.")


def _started(tenant_id: UUID, new: NewRun, now: datetime) -> StartedRun:
    return StartedRun(
        tenant_id=tenant_id,
        run_id=new.run_id,
        app_id=new.acceptance.app_id,
        version_id=new.version_id,
        mode=new.mode,
        end_user_id=new.end_user_id,
        session_id=new.session_id,
        acceptance=new.acceptance,
        created_at=now,
        conversation_id=new.turn.conversation_id if new.turn else None,
        message_id=new.turn.message_id if new.turn else None,
    )

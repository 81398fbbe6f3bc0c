"""Begin a run from one that has ended: show what would happen, then start just that."""

import json
from dataclasses import dataclass

from pydantic import JsonValue

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import PlanFork
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.errors import InvalidInput, NotFound
from libs.common.identifiers import uuid7
from libs.common.tracing import current_traceparent
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import (
    ForkImpossible,
    ForkPreviewOutdated,
    IdempotencyKeyReused,
    InputTooLarge,
    UnsafeEffectsRefused,
)
from services.backend.app.files.accept_files import AcceptFiles, named_files
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_forks import EngineForks
from services.backend.app.runs.start_run import INPUT_BYTES, StartedRun, StartRun
from services.backend.domain.apps.pinned_variables import conversation_values, environment_values
from services.backend.domain.apps.records import AppVersion
from services.backend.domain.apps.run_roots import root_inputs
from services.backend.domain.apps.start_form import start_variables
from services.backend.domain.files.records import FileOwner
from services.backend.domain.runs.forks import (
    ForkPreview,
    ForkRequest,
    fork_digest,
    origin_of,
)
from services.backend.domain.runs.records import NewRun, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkRun:
    apps: PublishedApps
    runs: RunRepository
    engine: EngineForks
    accept_files: AcceptFiles
    start_run: StartRun
    sub_workflows: SubWorkflows

    async def preview(self, request: ForkRequest) -> ForkPreview:
        """Changes nothing. Raises NotFound, InputRefused, InputTooLarge, SubWorkflowUnresolved,
        ForkImpossible, Unavailable, and what the engine refuses with: `run_under_way`,
        `fork_refused`."""
        origin = await self.runs.find(request.tenant_id, request.run_id)
        if origin is None:
            raise NotFound("There is no such run.")
        if origin.acceptance.around:
            raise ForkImpossible(
                "What this run was given may hold secrets of the run that called it, so it is not "
                "kept here. Begin from the run that called it."
            )
        version = await self._version(request, origin)
        inputs = await self._inputs(request, origin, version)
        acceptance = _acceptance(origin, version, inputs)
        if version is not None and version.version_id != origin.version_id:
            called = await self.sub_workflows.pinned(request.tenant_id, version)
            acceptance = acceptance.model_copy(update={"sub_workflows": called})
        asked = PlanFork(
            tenant_id=request.tenant_id,
            run_id=request.run_id,
            workflow_hash=acceptance.workflow_hash,
            from_node=request.from_node,
            outputs=request.outputs,
            secrets=acceptance.secrets,
            sub_workflows={each.ref: each.workflow_hash for each in acceptance.sub_workflows},
        )
        plan = await self.engine.plan(asked, version.definition if version else None)
        acceptance = acceptance.model_copy(update={"origin": origin_of(request, plan)})
        return ForkPreview(
            request=request,
            origin=origin,
            version_id=version.version_id if version else origin.version_id,
            acceptance=acceptance,
            plan=plan,
            digest=fork_digest(request, acceptance, plan),
        )

    async def start(
        self,
        request: ForkRequest,
        *,
        digest: str,
        allow_unsafe: bool,
        idempotency_key: str | None,
    ) -> StartedRun:
        """Commit the acceptance of what the preview with this digest showed.

        Raises what `preview` does, ForkImpossible, ForkPreviewOutdated, UnsafeEffectsRefused and
        IdempotencyKeyReused.
        """
        shown = await self.preview(request)
        if shown.plan.obstacles:
            raise ForkImpossible(
                " ".join(obstacle.message for obstacle in shown.plan.obstacles),
                extra={"obstacles": [each.code for each in shown.plan.obstacles]},
            )
        if digest != shown.digest:
            raise ForkPreviewOutdated(
                "This is not what the preview with this digest showed. Preview it again."
            )
        if shown.unsafe and not allow_unsafe:
            raise UnsafeEffectsRefused(
                f"These nodes may do anything once more: {', '.join(shown.unsafe)}. Nothing was "
                "begun; allow unsafe effects to begin.",
                extra={"nodes": [*shown.unsafe]},
            )
        new = _new_run(shown, idempotency_key)
        begun = await self.runs.begin(new)
        if begun.request_hash != new.request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another run.")
        return await self.start_run.known(request.tenant_id, begun.run_id)

    async def _version(self, request: ForkRequest, origin: RunRecord) -> AppVersion | None:
        """The version to run; None where the run's own needs no look at it."""
        same = request.version_id in {None, origin.version_id}
        if origin.acceptance.given and (request.inputs or not same):
            raise InvalidInput(
                "The run is the test of one node: it has no inputs to edit and no other version."
            )
        if same and not request.inputs:
            return None
        app = await self.apps.app(request.tenant_id, origin.app_id)
        wanted = request.version_id or origin.version_id
        return (await self.apps.published(request.tenant_id, app, wanted)).version

    async def _inputs(
        self, request: ForkRequest, origin: RunRecord, version: AppVersion | None
    ) -> dict[str, JsonValue]:
        inputs = {**origin.acceptance.inputs, **request.inputs}
        if version is not None:
            variables = start_variables(version.definition)
            owner = FileOwner(
                tenant_id=request.tenant_id, app_id=origin.app_id, end_user_id=origin.end_user_id
            )
            inputs = root_inputs(version.definition, origin.acceptance.root, inputs)
            known = origin.acceptance.inputs
            inputs = await self.accept_files.inputs(owner, variables, inputs, known=known)
        _check_size(inputs, request)
        return inputs


def _acceptance(
    origin: RunRecord,
    version: AppVersion | None,
    inputs: dict[str, JsonValue],
) -> AcceptRun:
    run_id, before = uuid7(), origin.acceptance
    changed: dict[str, object] = {
        "run_id": run_id,
        "inputs": inputs,
        "system": {**before.system, "workflow_run_id": str(run_id)},
        "traceparent": current_traceparent(),
        "origin": None,
        # Nobody waits for its end.
        "parent": None,
    }
    if version is not None and version.version_id != origin.version_id:
        changed |= _of_version(version, version.definition)
        changed["system"] = {
            **before.system,
            "workflow_run_id": str(run_id),
            "workflow_id": str(version.version_id),
        }
    return before.model_copy(update=changed)


def _of_version(version: AppVersion, definition: WorkflowDefinition) -> dict[str, object]:
    """What another version brings."""
    return {
        "workflow_hash": version.content_hash,
        "environment": environment_values(definition),
        "conversation_variables": conversation_values(definition),
    }


def _check_size(inputs: dict[str, JsonValue], request: ForkRequest) -> None:
    given = json.dumps([inputs, request.outputs], ensure_ascii=False)
    if len(given.encode()) > INPUT_BYTES:
        raise InputTooLarge(f"The run is given more than {INPUT_BYTES} bytes.")


def _new_run(shown: ForkPreview, idempotency_key: str | None) -> NewRun:
    origin = shown.origin
    key = None if idempotency_key is None else f"{origin.end_user_id}/{idempotency_key}"
    return NewRun(
        acceptance=shown.acceptance,
        version_id=shown.version_id,
        mode=origin.mode,
        end_user_id=origin.end_user_id,
        session_id=origin.session_id,
        idempotency_key=key,
        request_hash=f"fork/{shown.digest}",
        file_ids=named_files(shown.acceptance),
    )

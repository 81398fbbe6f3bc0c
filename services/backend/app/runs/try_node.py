"""Run one node of a draft or a version alone, with variables that its caller makes up."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from libs.common.clock import Clock
from libs.common.contracts.child_runs import PinnedWorkflow
from libs.common.contracts.run_commands import AcceptRun, EnvironmentValue
from libs.common.contracts.run_limits import declared_bounds, narrowed
from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from libs.common.errors import ErrorDetail, InvalidInput, NotFound
from libs.common.identifiers import uuid7
from libs.common.tracing import current_traceparent
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.apps.report_view import report_view
from services.backend.app.apps.sub_workflows import SubWorkflows, checked
from services.backend.app.errors import IdempotencyKeyReused, InputTooLarge, NodeTestRefused
from services.backend.app.files.accept_files import named_files
from services.backend.app.ports.app_repository import AppRepository
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.start_run import INPUT_BYTES, StartedRun, StartRun
from services.backend.domain.apps.lone_node import Given, GivenVariables, LoneNode, lone_node
from services.backend.domain.apps.pinned_variables import conversation_values, environment_values
from services.backend.domain.files.records import FileOwner
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.runs.records import NewRun
from services.backend.domain.runs.request_hash import run_request_hash

DRAFT = UUID(int=0)
"""Stands for the version of a run whose node is a draft's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTest:
    """`variables` stand in for whatever the node reads. `version_id` None: the draft's node."""

    tenant_id: UUID
    app_id: UUID
    node_id: str
    variables: Given
    session_id: str
    version_id: UUID | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TryNode:
    apps: AppRepository
    published: PublishedApps
    engine: EngineWorkflows
    runs: RunRepository
    start_run: StartRun
    sub_workflows: SubWorkflows
    clock: Clock

    async def __call__(self, test: NodeTest) -> StartedRun:
        """Commit the acceptance of a run whose graph is that node: durable, keyed and recorded like
        any. Files may be named as clients do: `upload_file_id` is one of the session's user.
        Raises NotFound, InputRefused, NodeTestRefused, InputTooLarge, IdempotencyKeyReused,
        SubWorkflowUnresolved, Unavailable."""
        app = await self.published.app(test.tenant_id, test.app_id)
        definition = await self._definition(test)
        alone = lone_node(definition, test.node_id)
        if alone is None:
            raise NotFound(f"There is no node `{test.node_id}`.")
        user_id = end_user_id(test.app_id, test.session_id)
        owner = FileOwner(tenant_id=test.tenant_id, app_id=test.app_id, end_user_id=user_id)
        given = await self.start_run.accept_files.fixtures(owner, test.variables)
        _check_size(given)
        called = checked(
            await self.sub_workflows.resolved(test.tenant_id, alone.definition, of_app=test.app_id)
        )
        report = await self.engine.register(test.tenant_id, alone.definition, called.hashes)
        if report.errors:
            raise _refused(report)
        key = None if test.idempotency_key is None else f"{user_id}/{test.idempotency_key}"
        asked = f"{test.app_id}/{test.node_id}/{report.content_hash}"
        acceptance = self._acceptance(
            replace(test, variables=given), alone, report.content_hash, called.pinned
        )
        new = NewRun(
            acceptance=acceptance,
            version_id=test.version_id or DRAFT,
            mode=app.mode,
            end_user_id=user_id,
            session_id=test.session_id,
            idempotency_key=key,
            request_hash=run_request_hash(test.app_id, {**test.variables}, asked, None),
            file_ids=named_files(acceptance),
        )
        begun = await self.runs.begin(new)
        if begun.request_hash != new.request_hash:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another run.")
        return await self.start_run.known(test.tenant_id, begun.run_id)

    async def _definition(self, test: NodeTest) -> WorkflowDefinition:
        if test.version_id is None:
            draft = await self.apps.draft(test.tenant_id, test.app_id)
            if draft is None:
                raise NotFound("There is no such app.")
            return draft.definition
        app = await self.published.app(test.tenant_id, test.app_id)
        return (
            await self.published.published(test.tenant_id, app, test.version_id)
        ).version.definition

    def _acceptance(
        self,
        test: NodeTest,
        alone: LoneNode,
        content_hash: str,
        called: tuple[PinnedWorkflow, ...],
    ) -> AcceptRun:
        run_id, given = uuid7(), alone.split(test.variables)
        system: dict[str, JsonValue] = {
            "query": "",
            "files": [],
            "user_id": test.session_id,
            "app_id": str(test.app_id),
            "workflow_id": str(test.version_id or DRAFT),
            "workflow_run_id": str(run_id),
            "timestamp": int(self.clock.now().timestamp()),
        }
        return AcceptRun(
            tenant_id=test.tenant_id,
            run_id=run_id,
            app_id=test.app_id,
            workflow_hash=content_hash,
            inputs=given.inputs,
            system=system | given.system,
            environment=_environment(alone.definition, given),
            conversation_variables=conversation_values(alone.definition) | given.conversation,
            given=given.others,
            limits=narrowed(self.start_run.limits, declared_bounds(alone.definition.features)),
            traceparent=current_traceparent(),
            sub_workflows=called,
        )


def _environment(
    definition: WorkflowDefinition, given: GivenVariables
) -> tuple[EnvironmentValue, ...]:
    """A secret cannot be made up: it would lie about as any other value."""
    declared = {each.name: each for each in environment_values(definition)}
    for name, value in given.environment.items():
        known = declared.get(name)
        if known is not None and known.secret_version is not None:
            message = f"`env.{name}` is a secret and keeps its value."
            raise InvalidInput(
                message, details=(ErrorDetail(pointer=f"/variables/env/{name}", message=message),)
            )
        declared[name] = EnvironmentValue(name=name, value=value)
    return tuple(declared.values())


def _refused(report: ValidationReport) -> NodeTestRefused:
    return NodeTestRefused(
        f"The node cannot run: {report.errors[0].message}", extra={"report": report_view(report)}
    )


def _check_size(variables: Given) -> None:
    if len(json.dumps(variables, ensure_ascii=False).encode()) > INPUT_BYTES:
        raise InputTooLarge(f"The node is given more than {INPUT_BYTES} bytes.")

"""What the workflows that an app's nodes call mean now."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from libs.common.contracts.child_runs import PinnedWorkflow
from libs.common.contracts.run_limits import MOST_DEPTH, declared_bounds
from libs.common.contracts.workflows import Finding, ValidationReport, WorkflowDefinition
from libs.common.errors import NotFound
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.errors import AppNotPublished, SubWorkflowUnresolved
from services.backend.domain.apps.called_workflows import CalledWorkflow, called_workflows
from services.backend.domain.apps.pinned_variables import environment_values
from services.backend.domain.apps.records import AppVersion

_KEPT_VERSIONS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCalls:
    """`pinned` is what is called at any depth, `findings` what is wrong with it, by the node of the
    outermost workflow."""

    pinned: tuple[PinnedWorkflow, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def hashes(self) -> dict[str, str]:
        """Content hashes by reference."""
        return {each.ref: each.workflow_hash for each in self.pinned}

    def added_to(self, report: ValidationReport) -> ValidationReport:
        if not self.findings:
            return report
        return report.model_copy(update={"errors": (*report.errors, *self.findings)})


_NOTHING = ResolvedCalls()


class SubWorkflows:
    """Resolves names into versions, within one tenant; another tenant's app is as good as none.
    Changes nothing. `most_depth` is how deep runs may call runs here."""

    def __init__(self, apps: PublishedApps, most_depth: int = MOST_DEPTH) -> None:
        self.apps = apps
        self.most_depth = most_depth
        self._calls: OrderedDict[str, tuple[CalledWorkflow, ...]] = OrderedDict()

    async def resolved(
        self, tenant_id: UUID, definition: WorkflowDefinition, *, of_app: UUID | None
    ) -> ResolvedCalls:
        """`of_app` is the app that `definition` is of, None for one that is not stored yet."""
        return await self._resolved(tenant_id, called_workflows(definition), of_app)

    async def pinned(self, tenant_id: UUID, version: AppVersion) -> tuple[PinnedWorkflow, ...]:
        """What a run of `version` is accepted with. Raises SubWorkflowUnresolved."""
        calls = self._calls_of(version)
        return checked(await self._resolved(tenant_id, calls, version.app_id)).pinned

    async def _resolved(
        self, tenant_id: UUID, calls: Sequence[CalledWorkflow], of_app: UUID | None
    ) -> ResolvedCalls:
        if not calls:
            return _NOTHING
        walk = _Walk(self, tenant_id, of_app)
        findings: list[Finding] = []
        for call in calls:
            problem = await walk.problem_of(call)
            if problem is not None:
                findings.append(
                    Finding(
                        code=problem.code,
                        message=problem.message,
                        node_id=call.node_id,
                        node_title=call.node_title,
                        field=call.field,
                    )
                )
        return ResolvedCalls(pinned=tuple(walk.pinned.values()), findings=tuple(findings))

    async def version_of(self, tenant_id: UUID, call: CalledWorkflow) -> "AppVersion | _Problem":
        """The version that is meant, or why there is none."""
        try:
            app = await self.apps.app(tenant_id, call.app_id)
        except NotFound:
            return _Problem("unknown_app", f"there is no app {call.app_id}")
        if app.mode != "workflow":
            message = f"{app.name!r} is a chat; only apps of mode workflow can be called"
            return _Problem("app_not_callable", message)
        try:
            return (await self.apps.published(tenant_id, app, call.version_id)).version
        except AppNotPublished:
            return _Problem("app_not_published", f"{app.name!r} has no published version")
        except NotFound:
            return _Problem("unknown_version", f"{app.name!r} has no version {call.version_id}")

    def _calls_of(self, version: AppVersion) -> tuple[CalledWorkflow, ...]:
        # Every run asks, and a large graph takes a while to look through.
        found = self._calls.pop(version.content_hash, None)
        if found is None:
            found = called_workflows(version.definition)
        self._calls[version.content_hash] = found
        if len(self._calls) > _KEPT_VERSIONS:
            self._calls.popitem(last=False)
        return found


def checked(resolved: ResolvedCalls) -> ResolvedCalls:
    """The same. Raises SubWorkflowUnresolved with the first finding."""
    if resolved.findings:
        first = resolved.findings[0]
        raise SubWorkflowUnresolved(
            f"The node `{first.node_id}` calls a workflow that cannot run: {first.message}.",
            extra={"node_id": first.node_id, "field": first.field, "finding": first.code},
        )
    return resolved


class _Problem(NamedTuple):
    code: str
    message: str


class _Below(NamedTuple):
    """How many runs deep a call goes, or why it cannot be made."""

    depth: int
    problem: _Problem | None = None


class _Walk:
    """One look at everything that is called, each reference once, depth first."""

    def __init__(self, workflows: SubWorkflows, tenant_id: UUID, of_app: UUID | None) -> None:
        self._workflows = workflows
        self._tenant_id = tenant_id
        self._around: list[UUID] = [] if of_app is None else [of_app]
        self._found: dict[str, _Below] = {}
        self.pinned: dict[str, PinnedWorkflow] = {}

    async def problem_of(self, call: CalledWorkflow) -> _Problem | None:
        below = await self._below(call)
        most = self._workflows.most_depth
        if below.problem is None and below.depth > most:
            message = f"calls go {below.depth} runs deep; at most {most} are allowed"
            return _Problem("sub_workflow_too_deep", message)
        return below.problem

    async def _below(self, call: CalledWorkflow) -> _Below:
        if call.app_id in self._around:
            circle = [*self._around[self._around.index(call.app_id) :], call.app_id]
            shown = " -> ".join(map(str, circle))
            return _Below(0, _Problem("sub_workflow_cycle", f"apps call each other: {shown}"))
        found = self._found.get(call.ref)
        if found is None:
            found = self._found[call.ref] = await self._looked_at(call)
        return found

    async def _looked_at(self, call: CalledWorkflow) -> _Below:
        version = await self._workflows.version_of(self._tenant_id, call)
        if isinstance(version, _Problem):
            return _Below(0, version)
        self.pinned[call.ref] = PinnedWorkflow(
            ref=call.ref,
            app_id=call.app_id,
            version_id=version.version_id,
            workflow_hash=version.content_hash,
            environment=environment_values(version.definition),
            bounds=declared_bounds(version.definition.features),
        )
        self._around.append(call.app_id)
        depth = 1
        try:
            for each in called_workflows(version.definition):
                below = await self._below(each)
                if below.problem is not None:
                    return below
                depth = max(depth, 1 + below.depth)
                if depth > self._workflows.most_depth:
                    break
        finally:
            self._around.pop()
        return _Below(depth)

"""Replays and forks as callers ask for them and are shown them."""

import hashlib
import json
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import Edits, ForkKind, ForkPlan, NodeEffect, RunOrigin
from services.backend.domain.runs.records import RunRecord

_CAREFUL_FIRST: tuple[NodeEffect, ...] = ("unsafe", "human", "keyed", "model", "idempotent", "pure")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkRequest:
    """A run that begins from `run_id`. `from_node` None: a replay. `inputs` are those of its start
    that change; `outputs` stand for recorded ones; `version_id` None: the version that it ran."""

    tenant_id: UUID
    run_id: UUID
    from_node: str | None = None
    inputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    outputs: Edits = field(default_factory=dict[str, dict[str, JsonValue]])
    version_id: UUID | None = None

    @property
    def kind(self) -> ForkKind:
        return "replay" if self.from_node is None else "fork"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkPreview:
    """What would happen. `acceptance` is the new run's, ready to be given to the engine; `digest`
    names all of it, so that only what was shown is started."""

    request: ForkRequest
    origin: RunRecord
    version_id: UUID
    acceptance: AcceptRun
    plan: ForkPlan
    digest: str

    @property
    def unsafe(self) -> list[str]:
        """The nodes that may do anything to the world."""
        return self.by_effect().get("unsafe", [])

    def by_effect(self) -> dict[NodeEffect, list[str]]:
        """The nodes that execute, those that ask for most care first."""
        found: dict[NodeEffect, list[str]] = {}
        for effect in _CAREFUL_FIRST:
            nodes = [node.node_id for node in self.plan.executes if node.effect_class == effect]
            if nodes:
                found[effect] = nodes
        return found


def origin_of(request: ForkRequest, plan: ForkPlan) -> RunOrigin:
    """What the new run begins from."""
    return RunOrigin(
        kind=request.kind,
        run_id=request.run_id,
        from_node=request.from_node,
        taken=tuple(node.node_id for node in plan.takes),
        outputs=request.outputs,
    )


def fork_digest(request: ForkRequest, acceptance: AcceptRun, plan: ForkPlan) -> str:
    """SHA-256 hex digest of what would happen; what differs from run to run stays out."""
    fixed = acceptance.model_copy(
        update={
            "run_id": request.run_id,
            "traceparent": None,
            "system": {**acceptance.system, "workflow_run_id": ""},
        }
    )
    told = [fixed.model_dump(mode="json"), plan.model_dump(mode="json"), request.kind]
    text = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

"""Replays and forks as the native API takes and shows them."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import (
    Edits,
    ExecutedNode,
    ForkKind,
    NodeEffect,
    Obstacle,
    TakenNode,
)
from services.backend.domain.runs.forks import ForkPreview

_DIGEST = Field(pattern=r"^[0-9a-f]{64}$")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ForkBody(_Body):
    """`from_node` is where it forks: this node and all behind it execute. `inputs` are those of the
    start that change, null for one that is no longer given. `outputs` stand for recorded outputs of
    nodes that do not execute, by node id and name. `version_id` None: the run's own version."""

    from_node: str = Field(min_length=1, max_length=255)
    inputs: dict[str, JsonValue] = {}
    outputs: Edits = {}
    version_id: UUID | None = None


class ReplayStart(_Body):
    """`digest` is the preview's: only what it showed is started. `allow_unsafe`: nodes that may do
    anything to the world may do it once more."""

    digest: Annotated[str, _DIGEST]
    allow_unsafe: bool = False


class ForkStart(ForkBody):
    """`digest` is the preview's: only what it showed is started. `allow_unsafe`: nodes that may do
    anything to the world may do it once more."""

    digest: Annotated[str, _DIGEST]
    allow_unsafe: bool = False


class PreviewView(BaseModel):
    """What would happen. `executes` are the nodes that execute if their turn comes, `by_effect` the
    same by what they do to the world: `unsafe` ones need `allow_unsafe`. `takes` are those whose
    results come from the journal. `gone` are nodes of the run that the version does not have. With
    an obstacle there is no such run."""

    run_id: UUID
    kind: ForkKind
    from_node: str | None
    version_id: UUID
    inputs: dict[str, JsonValue]
    digest: str
    needs_allow_unsafe: bool
    by_effect: dict[NodeEffect, list[str]]
    executes: tuple[ExecutedNode, ...]
    takes: tuple[TakenNode, ...]
    gone: tuple[str, ...]
    obstacles: tuple[Obstacle, ...]

    @classmethod
    def of(cls, shown: ForkPreview) -> "PreviewView":
        return cls(
            run_id=shown.request.run_id,
            kind=shown.request.kind,
            from_node=shown.request.from_node,
            version_id=shown.version_id,
            inputs=shown.acceptance.inputs,
            digest=shown.digest,
            needs_allow_unsafe=bool(shown.unsafe),
            by_effect=shown.by_effect(),
            executes=shown.plan.executes,
            takes=shown.plan.takes,
            gone=shown.plan.gone,
            obstacles=shown.plan.obstacles,
        )


class OriginView(BaseModel):
    """The run that a replay or a fork began from. `edited` lists by node the outputs given anew."""

    kind: ForkKind
    run_id: UUID
    from_node: str | None
    edited: dict[str, list[str]]

    @classmethod
    def of(cls, acceptance: AcceptRun) -> "OriginView | None":
        """None for a run that began from no other."""
        origin = acceptance.origin
        if origin is None:
            return None
        return cls(
            kind=origin.kind,
            run_id=origin.run_id,
            from_node=origin.from_node,
            edited={node_id: [*values] for node_id, values in origin.outputs.items()},
        )

"""Runs that begin from another run: replays and forks.

A replay takes nothing over. A fork takes the results of nodes over from the journal of its origin
and executes the others. Either is a run of its own, with keys of its own.
"""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

ForkKind = Literal["replay", "fork"]
NodeEffect = Literal["pure", "idempotent", "keyed", "model", "human", "unsafe"]
"""What executing a node does to the world, by the most that it may do: nothing; what can be
repeated at will; what its target does once a key; a model call, which costs; a question to
people; anything. The greatest is last."""

Edits = dict[str, dict[str, JsonValue]]
"""Values that stand for recorded outputs, by node id and name."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunOrigin(_Frozen):
    """What a run begins from. `taken` are the nodes of the origin's own frame whose results the new
    run begins with, `outputs` what is edited of them. Its seed, its clock and the first values of
    its conversation are the origin's, so that pure nodes give again what they gave. `from_node`
    None: a replay."""

    kind: ForkKind
    run_id: UUID
    from_node: str | None = None
    taken: tuple[str, ...] = ()
    outputs: Edits = {}


class PlanFork(_Frozen):
    """What would happen if a run began from `run_id`, which has ended, under the workflow
    `workflow_hash`. `from_node` None: everything executes again, a replay. `secrets` are the
    versions of the new run's secret environment values by name, `sub_workflows` the content hashes
    of what its nodes call, by their references.

    Raises `run_unknown`, `run_under_way`, `workflow_unknown`, and `fork_refused` where the request
    makes no sense for this run.
    """

    tenant_id: UUID
    run_id: UUID
    workflow_hash: str
    from_node: str | None = None
    outputs: Edits = {}
    secrets: dict[str, int] = {}
    sub_workflows: dict[str, str] = {}


class TakenNode(_Frozen):
    """A node whose result stands. `status` is `succeeded`, or `exception` for a failure that was
    handled. `changed`: the new version configures it otherwise, and its result is that of the old
    one. `edited` are the outputs that are given anew. `holds_files`: among the others are files
    that the origin stored, which are collected a day after its end."""

    node_id: str
    title: str
    node_type: str
    status: Literal["succeeded", "exception"]
    changed: bool = False
    edited: tuple[str, ...] = ()
    holds_files: bool = False


ExecutionReason = Literal[
    "start", "replay", "chosen", "downstream", "not_finished", "new", "type", "upstream", "inside"
]
"""Why a node executes: the run begins with it; all do; the fork is from here; it comes after one
that executes; the origin never finished it; the origin does not have it; or it has it with another
type, other nodes before it, or another inside."""


class ExecutedNode(_Frozen):
    """A node that executes if its turn comes. `inside` is the container around it, whose `reason`
    it shares."""

    node_id: str
    title: str
    node_type: str
    effect_class: NodeEffect
    reason: ExecutionReason
    inside: str | None = None


class Obstacle(_Frozen):
    """Why such a run cannot begin: `not_reached`, `other_semantics` or `other_secrets`."""

    code: Literal["not_reached", "other_semantics", "other_secrets"]
    message: str
    node_id: str | None = None


class ForkPlan(_Frozen):
    """`takes` in the order in which the nodes ended; `executes` from the beginning on. `gone` are
    nodes that the origin finished and the new version does not have. With an obstacle there is no
    such run."""

    takes: tuple[TakenNode, ...]
    executes: tuple[ExecutedNode, ...]
    gone: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

"""Runs that nodes of other runs call: which workflow, for whom, and what came of it.

A sub-workflow node names an app, or a version of it. What that means is resolved when the outermost
run is accepted, and pinned for all runs below it.
"""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from libs.common.contracts.environment_values import EnvironmentValue
from libs.common.contracts.run_limits import NO_BOUNDS, RunBounds


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


def workflow_ref(app_id: UUID | str, version_id: UUID | str | None) -> str:
    """How a node names what it calls: an app, by its published version, or one version of it."""
    return f"{app_id}" if version_id is None else f"{app_id}/{version_id}"


class PinnedWorkflow(_Frozen):
    """What `ref` means for a run and all runs below it. `bounds` are the called workflow's own."""

    ref: str
    app_id: UUID
    version_id: UUID
    workflow_hash: str
    environment: tuple[EnvironmentValue, ...] = ()
    bounds: RunBounds = NO_BOUNDS


class ParentRun(_Frozen):
    """The run whose node called this one, and the key of that call. `depth` is this run's own.

    `secrets` are the versions of the secrets of all runs around it, by `app/name`. What it was
    given may come of them, so they are hidden and all of it is sealed; it cannot read them.
    """

    run_id: UUID
    node_id: str
    key: str
    depth: int
    secrets: dict[str, int] = {}


class ChildCall(_Frozen):
    """Run the workflow that is pinned as `ref` with these inputs."""

    ref: str
    inputs: dict[str, JsonValue] = {}


class ChildOutcome(_Frozen):
    """How a child ended. `waited_seconds` is how long it was parked for people, which counts for no
    run's limit; `total_steps` and `model_tokens`, those of answered model calls, are those of the
    runs below it too."""

    run_id: UUID
    status: Literal["succeeded", "partial-succeeded", "failed", "stopped"]
    outputs: dict[str, JsonValue] = {}
    error: str | None = None
    total_tokens: int = 0
    total_steps: int = 0
    model_tokens: int = 0
    usage: dict[str, JsonValue] = {}
    waited_seconds: float = 0.0

"""Workflow definitions and what validation says of them."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


SIDE_BY_SIDE, ONE_BY_ONE = "side_by_side", "one_by_one"
TURNS = (SIDE_BY_SIDE, ONE_BY_ONE)
"""What `features.conversation_turns` may say; the first where it says nothing."""


class WorkflowDefinition(_Frozen):
    """The `workflow` block of a DSL document and the app's mode: all that a run depends on."""

    mode: Literal["workflow", "advanced-chat"]
    graph: dict[str, JsonValue]
    features: dict[str, JsonValue] = {}
    environment_variables: tuple[dict[str, JsonValue], ...] = ()
    conversation_variables: tuple[dict[str, JsonValue], ...] = ()

    @property
    def takes_turns(self) -> bool:
        """Whether the runs of a conversation go one after another."""
        return self.features.get("conversation_turns") == ONE_BY_ONE


class Finding(_Frozen):
    """One thing validation has to say. `node_id` and `field` None mean the graph as a whole."""

    code: str
    message: str
    node_id: str | None = None
    node_title: str | None = None
    field: str | None = None


class ValidationReport(_Frozen):
    """`errors` forbid publishing and running; `warnings` do not. `content_hash` is the SHA-256 hex
    digest of the canonical definition."""

    content_hash: str
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    start_variables: tuple[dict[str, JsonValue], ...] = ()


class ValidateWorkflow(_Frozen):
    """`sub_workflows` are the content hashes of what its nodes call, by their references; those of
    `tenant_id`."""

    definition: WorkflowDefinition
    tenant_id: UUID | None = None
    sub_workflows: dict[str, str] = {}


class RegisterWorkflow(_Frozen):
    """Validate and, when there is no error, keep under its content hash. Idempotent."""

    tenant_id: UUID
    definition: WorkflowDefinition
    sub_workflows: dict[str, str] = {}

"""The variables that a conversation keeps from one turn to the next, read from their owner, the
engine, and changed from outside a run."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class VariablesQuery(_Frozen):
    """The variables that the workflow declares, as the conversation has them. The workflow must
    have been registered; else the error `workflow_unknown`."""

    tenant_id: UUID
    conversation_id: UUID
    workflow_hash: str


class ConversationVariable(_Frozen):
    """Instants are Unix seconds, None where the variable still has its declared value. What comes
    of a secret is masked."""

    id: str
    name: str
    value_type: str
    value: JsonValue
    description: str = ""
    created_at: float | None = None
    changed_at: float | None = None


class ConversationVariables(_Frozen):
    """In the order in which they are declared."""

    variables: tuple[ConversationVariable, ...]


class ChangeVariable(_Frozen):
    """Give a variable another value. Runs under way do not see it."""

    tenant_id: UUID
    conversation_id: UUID
    workflow_hash: str
    variable_id: str
    value: JsonValue


class ConversationDeleted(_Frozen):
    """Nobody reads the conversation any more."""

    tenant_id: UUID
    conversation_id: UUID

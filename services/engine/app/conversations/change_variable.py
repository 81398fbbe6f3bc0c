"""Giving a conversation's variable another value from outside a run."""

from libs.common.contracts.conversation_variables import ChangeVariable, ConversationVariable
from services.engine.app.conversations.read_variables import view_of
from services.engine.app.errors import JournalRefused, VariableRefused, VariableUnknown
from services.engine.app.ports.conversation_store import ConversationStore
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.variables.sizes import size_of
from services.engine.domain.variables.types import infer_type


class ChangeVariableUseCase:
    """A variable may hold `variable_bytes`."""

    def __init__(
        self, conversations: ConversationStore, workflows: CompiledWorkflows, *, variable_bytes: int
    ) -> None:
        self._conversations = conversations
        self._workflows = workflows
        self._variable_bytes = variable_bytes

    async def execute(self, command: ChangeVariable) -> ConversationVariable:
        """The next run of the conversation finds it. Raises WorkflowUnknown, VariableUnknown,
        VariableRefused, Unavailable."""
        workflow = await self._workflows.get(command.tenant_id, command.workflow_hash)
        declared = workflow.compiled.conversation.values()
        variable = next((each for each in declared if each.id == command.variable_id), None)
        if variable is None:
            raise VariableUnknown("Conversation Variable Not Exists.")
        if not variable.may_hold(command.value):
            raise VariableRefused(
                f"Type mismatch: variable '{variable.name}' expects {variable.kind}, "
                f"but got {infer_type(command.value)} type"
            )
        size = size_of(command.value)
        if size > self._variable_bytes:
            raise VariableRefused(f"variable size {size} exceeds limit {self._variable_bytes}")
        try:
            kept = await self._conversations.change(
                command.tenant_id, command.conversation_id, variable.name, command.value
            )
        except JournalRefused as error:
            raise VariableRefused(error.message) from error
        return view_of(variable, kept.value, kept)

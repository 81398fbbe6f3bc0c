"""What a run knows of its conversation when it begins."""

from dataclasses import replace

from services.engine.app.ports.conversation_store import ConversationStore
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.conversation_variables import first_values


async def with_memory(
    claim: Claim, workflow: CompiledWorkflow, conversations: ConversationStore
) -> Claim:
    """The claim of a run that has not begun, its request with the conversation's values of now.

    A run without secrets has no right to a value that comes of one: nothing that it writes is
    sealed. Raises Unavailable.
    """
    request = claim.request
    if request.remembers is None or not workflow.conversation:
        return claim
    found = await conversations.variables(request.tenant_id, request.remembers)
    kept = {each.name: each.value for each in found if request.has_secrets or not each.sealed}
    values = first_values(workflow.conversation, request.conversation_variables, kept)
    return replace(claim, request=request.model_copy(update={"conversation_variables": values}))

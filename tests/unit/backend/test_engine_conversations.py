"""Asking the engine for a conversation's variables under a version that it does not know yet."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.conversation_variables import (
    ConversationVariable,
    ConversationVariables,
    VariablesQuery,
)
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CONVERSATION_VARIABLES, REGISTER_WORKFLOW
from libs.common.contracts.workflows import (
    RegisterWorkflow,
    ValidationReport,
    WorkflowDefinition,
)
from libs.common.errors import HeddleError
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.conversations.engine_conversations import EngineConversations
from services.backend.domain.apps.records import AppVersion
from services.engine.app.errors import WorkflowUnknown

VERSION = AppVersion(
    version_id=uuid4(),
    app_id=uuid4(),
    content_hash="a" * 64,
    definition=WorkflowDefinition(mode="advanced-chat", graph={}),
    created_at=datetime.now(UTC),
)
SHOWN = ConversationVariable(id="1", name="n", value_type="number", value=1)


class _Engine:
    def __init__(self, *, forgets: bool = False) -> None:
        self.registered = 0
        self._forgets = forgets

    async def serve(self, bus: InMemoryBus) -> None:
        await bus.serve(CONVERSATION_VARIABLES, self._variables)
        await bus.serve(REGISTER_WORKFLOW, self._register)

    async def _variables(self, _query: VariablesQuery, _: Envelope) -> ConversationVariables:
        if not self.registered or self._forgets:
            raise WorkflowUnknown("No such workflow.")
        return ConversationVariables(variables=(SHOWN,))

    async def _register(self, _message: RegisterWorkflow, _: Envelope) -> ValidationReport:
        self.registered += 1
        return ValidationReport(content_hash=VERSION.content_hash)


@pytest.mark.parametrize("forgets", [False, True])
async def test_the_workflow_is_registered_once_and_the_question_asked_again(
    *, forgets: bool
) -> None:
    bus, engine = InMemoryBus(clock=SystemClock()), _Engine(forgets=forgets)
    await engine.serve(bus)
    conversations = EngineConversations(bus=bus, workflows=EngineWorkflows(bus))
    asked = conversations.variables(UUID(int=1), uuid4(), VERSION)
    if forgets:
        with pytest.raises(HeddleError) as refused:
            await asked
        assert refused.value.code == "workflow_unknown"
    else:
        assert await asked == (SHOWN,)
    assert engine.registered == 1
    await bus.close()

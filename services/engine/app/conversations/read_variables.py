"""A conversation's variables, as people may see them."""

from collections.abc import Mapping
from uuid import UUID

from libs.common.contracts.conversation_variables import (
    ConversationVariable,
    ConversationVariables,
    VariablesQuery,
)
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.conversation_store import ConversationStore, KeptVariable
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.journal_store import JournalReader
from services.engine.app.ports.run_store import RunStore
from services.engine.app.runs.run_secrets import mask_of
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.execution import conversation_variables as domain
from services.engine.domain.variables.secret_mask import SecretMask
from services.engine.domain.variables.values import Value


class ReadVariables:
    """Any replica can answer."""

    def __init__(
        self,
        conversations: ConversationStore,
        workflows: CompiledWorkflows,
        runs: RunStore,
        journal: JournalReader,
        secrets: EnvironmentSecrets,
    ) -> None:
        self._conversations = conversations
        self._workflows = workflows
        self._runs = runs
        self._journal = journal
        self._secrets = secrets

    async def execute(self, query: VariablesQuery) -> ConversationVariables:
        """What is stored stands for the declared value where it fits the declared type. Raises
        WorkflowUnknown, Unavailable."""
        workflow = await self._workflows.get(query.tenant_id, query.workflow_hash)
        declared = workflow.compiled.conversation
        found = await self._conversations.variables(query.tenant_id, query.conversation_id)
        kept = {
            each.name: each
            for each in found
            if each.name in declared and declared[each.name].may_hold(each.value)
        }
        masks = await self._masks(query.tenant_id, kept)
        return ConversationVariables(
            variables=tuple(
                _shown(variable, kept.get(name), masks) for name, variable in declared.items()
            )
        )

    async def _masks(
        self, tenant_id: UUID, kept: Mapping[str, KeptVariable]
    ) -> dict[UUID | None, SecretMask | None]:
        wrote = {each.run_id for each in kept.values() if each.sealed}
        return {run_id: await self._mask(tenant_id, run_id) for run_id in wrote}

    async def _mask(self, tenant_id: UUID, run_id: UUID | None) -> SecretMask | None:
        """None where the run turns out to have no secrets."""
        if run_id is None:
            return SecretMask(None)
        try:
            record = await self._runs.find(tenant_id, run_id)
        except RunUnknown:
            return SecretMask(None)
        first = await self._journal.after(tenant_id, run_id, place=0, rows=1)
        started = first[0].event if first else None
        if not isinstance(started, RunStarted):
            return SecretMask(None)
        return await mask_of(self._secrets, tenant_id, record.app_id, started.secrets)


def _shown(
    variable: domain.ConversationVariable,
    kept: KeptVariable | None,
    masks: Mapping[UUID | None, SecretMask | None],
) -> ConversationVariable:
    if kept is None:
        return view_of(variable, variable.value)
    mask = masks.get(kept.run_id) if kept.sealed else None
    value = kept.value if mask is None else mask.values({"value": kept.value})["value"]
    return view_of(variable, value, kept)


def view_of(
    variable: domain.ConversationVariable, value: Value, kept: KeptVariable | None = None
) -> ConversationVariable:
    return ConversationVariable(
        id=variable.id,
        name=variable.name,
        value_type=str(variable.kind or "string"),
        value=value,
        description=variable.description,
        created_at=kept.created_at if kept else None,
        changed_at=kept.changed_at if kept else None,
    )

"""Environment and conversation variables of a definition, as a run starts with them."""

from pydantic import JsonValue

from libs.common.contracts.run_commands import EnvironmentValue
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_text


def environment_values(definition: WorkflowDefinition) -> tuple[EnvironmentValue, ...]:
    return tuple(
        EnvironmentValue(
            name=as_text(variable.get("name")),
            value_type=as_text(variable.get("value_type")) or "string",
            value=variable.get("value"),
        )
        for variable in definition.environment_variables
    )


def conversation_values(definition: WorkflowDefinition) -> dict[str, JsonValue]:
    """The declared first values."""
    return {
        as_text(variable.get("name")): variable.get("value")
        for variable in definition.conversation_variables
    }

"""Environment and conversation variables of a definition, as a run starts with them."""

from pydantic import JsonValue

from libs.common.contracts.run_commands import EnvironmentValue
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.environment_secrets import is_secret, secret_version
from services.backend.domain.apps.json_reading import as_text


def environment_values(definition: WorkflowDefinition) -> tuple[EnvironmentValue, ...]:
    """Secrets by their version only."""
    return tuple(
        EnvironmentValue(
            name=as_text(variable.get("name")),
            value_type=as_text(variable.get("value_type")) or "string",
            value=None if is_secret(variable) else variable.get("value"),
            secret_version=secret_version(definition, as_text(variable.get("name")))
            if is_secret(variable)
            else None,
        )
        for variable in definition.environment_variables
    )


def conversation_values(definition: WorkflowDefinition) -> dict[str, JsonValue]:
    """The declared first values."""
    return {
        as_text(variable.get("name")): variable.get("value")
        for variable in definition.conversation_variables
    }

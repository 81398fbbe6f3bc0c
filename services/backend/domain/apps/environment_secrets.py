"""Secret environment variables of a definition, apart from their values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_text

SECRET = "secret"  # noqa: S105 - the name of a type
VERSION_FIELD = "secret_version"
FIRST_VERSION = 1
_FIELD = "environment_variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """A secret's value under a version, sealed; it never changes."""

    name: str
    version: int
    sealed: bytes = field(repr=False)


def secret_values(definition: WorkflowDefinition) -> dict[str, JsonValue]:
    """The values of the secret variables as a document gives them, by name."""
    return {
        as_text(variable.get("name")): variable.get("value")
        for variable in definition.environment_variables
        if is_secret(variable)
    }


def secret_places(definition: WorkflowDefinition) -> tuple[tuple[str | int, ...], ...]:
    """Where the values stand in the document of `definition`."""
    return tuple(
        ("workflow", _FIELD, index, "value")
        for index, variable in enumerate(definition.environment_variables)
        if is_secret(variable)
    )


def with_versions(
    definition: WorkflowDefinition, versions: Mapping[str, int]
) -> WorkflowDefinition:
    """The definition without secret values: each of `versions` stands for one."""
    variables = tuple(
        {**variable, "value": "", VERSION_FIELD: versions[as_text(variable.get("name"))]}
        if is_secret(variable) and as_text(variable.get("name")) in versions
        else variable
        for variable in definition.environment_variables
    )
    return definition.model_copy(update={_FIELD: variables})


def secret_version(definition: WorkflowDefinition, name: str) -> int | None:
    """The version that `definition` has of a secret, None when it has no such secret."""
    for variable in definition.environment_variables:
        if is_secret(variable) and variable.get("name") == name:
            version = variable.get(VERSION_FIELD)
            return version if isinstance(version, int) else None
    return None


def is_secret(variable: Mapping[str, JsonValue]) -> bool:
    return variable.get("value_type") == SECRET

"""The apps that a definition's nodes call."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.child_runs import workflow_ref
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledWorkflow:
    """What a node calls; `field` is where its configuration says so. `version_id` None: whatever is
    published."""

    node_id: str
    node_title: str
    field: str
    app_id: UUID
    version_id: UUID | None = None

    @property
    def ref(self) -> str:
        return workflow_ref(self.app_id, self.version_id)


def called_workflows(definition: WorkflowDefinition) -> tuple[CalledWorkflow, ...]:
    """In the order of the nodes. What is no reference at all is left to the engine's validation."""
    return tuple(_called(definition))


def _called(definition: WorkflowDefinition) -> Iterator[CalledWorkflow]:
    for node in map(as_mapping, as_list(definition.graph.get("nodes"))):
        data = as_mapping(node.get("data"))
        match as_text(data.get("type")):
            case "sub-workflow":
                field, version = "app_id", data.get("version_id")
            case "tool" if data.get("provider_type") == "workflow":
                field, version = "provider_id", None
            case _:
                continue
        app_id, version_id = _uuid(data.get(field)), _uuid(version)
        if app_id is not None and (version_id is not None or not version):
            yield CalledWorkflow(
                node_id=str(node.get("id")),
                node_title=as_text(data.get("title")),
                field=field if version_id is None else "version_id",
                app_id=app_id,
                version_id=version_id,
            )


def _uuid(value: JsonValue) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and value else None
    except ValueError:
        return None

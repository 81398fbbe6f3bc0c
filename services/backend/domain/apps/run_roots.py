"""The node that a run begins with, and what it may be given."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from libs.common.contracts.start_inputs import checked_inputs
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.errors import ErrorDetail, InvalidInput
from services.backend.domain.apps.json_reading import as_list, as_mapping
from services.backend.domain.apps.start_form import start_variables
from services.backend.domain.apps.webhook_payload import checked_payload

ROOT_TYPES = frozenset({"start", "trigger-webhook", "trigger-schedule", "trigger-plugin"})


class RootUnknown(InvalidInput):
    """No run of this version can begin with the node `root`."""

    code = "root_unknown"
    title = "No run can begin with that node"


def root_inputs(
    definition: WorkflowDefinition, root: str | None, given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """`given`, checked against what the root declares. `root` None: the first one of the workflow.

    Raises RootUnknown, InputRefused.
    """
    chosen = _chosen(definition, root)
    if chosen.get("type") == "trigger-webhook":
        return checked_payload(chosen, given)
    if chosen and chosen.get("type") != "start":
        return dict(given)
    return checked_inputs(start_variables(definition), given)


def _chosen(definition: WorkflowDefinition, root: str | None) -> dict[str, JsonValue]:
    """Its data; empty where the workflow has no root at all."""
    roots = dict(_roots(definition))
    if root is None:
        return next(iter(roots.values()), dict[str, JsonValue]())
    if root in roots:
        return roots[root]
    message = f"`{root}` is no node that a run can begin with; there are: {', '.join(roots)}."
    raise RootUnknown(message, details=(ErrorDetail(pointer="/root", message=message),))


def _roots(definition: WorkflowDefinition) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    for node in map(as_mapping, as_list(definition.graph.get("nodes"))):
        data = as_mapping(node.get("data"))
        if data.get("type") in ROOT_TYPES and node.get("type") != "custom-note":
            yield str(node.get("id")), data

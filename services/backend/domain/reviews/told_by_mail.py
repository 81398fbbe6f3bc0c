"""Which nodes of a definition tell people by mail."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from libs.common.contracts.workflows import Finding, WorkflowDefinition


def untold(definition: WorkflowDefinition) -> tuple[Finding, ...]:
    """A warning for each node whose mails nobody will get while no mail server is set."""
    return tuple(
        Finding(
            code="mail_not_configured",
            message="Nobody is told of this form by e-mail: no mail server is set "
            "(HEDDLE_SMTP_URL). The form is open all the same.",
            node_id=str(node.get("id")),
            node_title=str(data.get("title") or node.get("id")),
            field="delivery_methods",
        )
        for node, data in _nodes(definition)
        if data.get("type") == "human-input" and _mails(data.get("delivery_methods"))
    )


def _nodes(
    definition: WorkflowDefinition,
) -> Iterator[tuple[Mapping[str, JsonValue], Mapping[str, JsonValue]]]:
    nodes = definition.graph.get("nodes")
    for node in nodes if isinstance(nodes, list) else ():
        data = node.get("data") if isinstance(node, dict) else None
        if isinstance(node, dict) and isinstance(data, dict):
            yield node, data


def _mails(methods: JsonValue) -> bool:
    return isinstance(methods, list) and any(
        isinstance(each, dict) and each.get("type") == "email" and each.get("enabled") is not False
        for each in methods
    )

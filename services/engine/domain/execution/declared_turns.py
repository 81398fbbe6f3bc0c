"""Whether the runs of a conversation go one after another, `features.conversation_turns`."""

from collections.abc import Iterator

from libs.common.contracts.workflows import TURNS, Finding, WorkflowDefinition


def wrong_turns(definition: WorkflowDefinition) -> Iterator[Finding]:
    """A word for it that there is not."""
    declared = definition.features.get("conversation_turns")
    if declared is not None and declared not in TURNS:
        yield Finding(
            code="conversation_turns",
            message=f"'conversation_turns' is one of {', '.join(TURNS)}",
            field="features.conversation_turns",
        )

"""What a node that calls a tool says of it, so that validation can look it up."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class CallsTool(Protocol):
    """A node that calls the tool `tool`, `provider/tool`; "" where it names none."""

    @property
    def tool(self) -> str: ...

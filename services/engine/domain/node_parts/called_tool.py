"""What a node that calls a tool says of it, so that validation can look it up."""

from abc import abstractmethod

from services.engine.domain.node_parts.offered import Offered


class CallsTool(Offered):
    """A node that calls the tool `tool`, `provider/tool`; "" where it names none."""

    __slots__ = ()

    @property
    @abstractmethod
    def tool(self) -> str: ...

"""What a node says before a run of what it does to the world."""

from abc import abstractmethod

from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.offered import Offered


class DeclaresEffect(Offered):
    """A node that asks something of the world. `effect_class` is the most that it may do, as it is
    configured; a node without it is pure."""

    __slots__ = ()

    @property
    @abstractmethod
    def effect_class(self) -> NodeEffect: ...

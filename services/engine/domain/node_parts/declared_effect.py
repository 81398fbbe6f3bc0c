"""What a node says before a run of what it does to the world."""

from typing import Protocol, runtime_checkable

from libs.common.contracts.run_forks import NodeEffect


@runtime_checkable
class DeclaresEffect(Protocol):
    """A node that asks something of the world. `effect_class` is the most that it may do, as it is
    configured; a node without it is pure."""

    @property
    def effect_class(self) -> NodeEffect: ...

"""Nodes that ask nothing of the world."""

from services.engine.domain.node_parts.node_contract import NodeContext, NodeResult, NodeRun


class PureNode:
    """Turns `evaluate` into the generator that every node is."""

    __slots__ = ()

    def evaluate(self, context: NodeContext) -> NodeResult:
        """The node's result. Raises NodeFailure."""
        raise NotImplementedError

    def run(self, context: NodeContext) -> NodeRun:
        return self.evaluate(context)
        yield  # makes this function a generator

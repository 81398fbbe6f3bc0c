"""An engine process whose catalogue has a node that kills whoever runs it.

`python -m tests.support.poisoned_engine`.
"""

import os
import signal
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
)
from services.engine.main import main
from tests.support.engine_nodes import TEST_CATALOGUE, PlainNode


@dataclass(frozen=True, slots=True)
class _Poison(PlainNode):
    def run(self, context: NodeContext) -> NodeRun:
        os.kill(os.getpid(), signal.SIGKILL)
        return NodeResult(outputs={})
        yield  # a generator all the same


if __name__ == "__main__":
    main(
        {
            **TEST_CATALOGUE,
            "poison": NodeType(type="poison", execution="executable", parse=_Poison),
        },
        module="tests.support.poisoned_engine",
    )

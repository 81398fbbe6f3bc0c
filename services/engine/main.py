"""Starts the engine: `python -m services.engine.main`. The engine itself adds `isolated` for a
process that carries one run."""

import sys
from collections.abc import Mapping
from functools import partial

from libs.common.service_host import run_service
from services.engine.bootstrap import build, carry_isolated
from services.engine.domain.node_parts.node_contract import NodeType
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.settings import EngineSettings

_ISOLATED = "isolated"


def main(
    catalogue: Mapping[str, NodeType] = CATALOGUE, *, module: str = "services.engine.main"
) -> None:
    """`catalogue` are the node types on offer; `module` is run anew for isolated runs, so it must
    call this with the same ones."""
    # The environment provides what the type checker misses here.
    settings = EngineSettings()  # pyright: ignore[reportCallIssue]
    if sys.argv[1:] == [_ISOLATED]:
        carry_isolated(settings, catalogue)
        return
    again = ("-m", module, _ISOLATED)
    run_service(
        "engine",
        settings,
        settings.port,
        partial(build, settings, catalogue=catalogue, isolated=again),
    )


if __name__ == "__main__":
    main()

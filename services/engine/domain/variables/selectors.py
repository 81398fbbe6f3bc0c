"""How configurations write a selector."""

from services.engine.domain.variables.values import Selector, Value

SYSTEM = "sys"
ENVIRONMENT = "env"
CONVERSATION = "conversation"
RUN_SCOPES = (SYSTEM, ENVIRONMENT, CONVERSATION)
"""First parts that name a scope of the run and not a node."""

_SHORTEST = 2


def parse_selector(raw: Value) -> Selector | None:
    """The selector that `raw` spells, None where it spells none.

    The oldest exports write one dotted part (`["sys.query"]`); it is split at its first dot.
    """
    if not isinstance(raw, list) or not raw:
        return None
    parts = tuple(part for part in raw if isinstance(part, str) and part)
    if len(parts) != len(raw):
        return None
    if len(parts) >= _SHORTEST:
        return parts
    scope, dot, name = parts[0].partition(".")
    return (scope, name) if dot and scope and name else None

"""Files in results: kept for the run that stored them, not for those that begin from it. What a
client uploaded is kept for every run that names it."""

from collections.abc import Mapping

from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.values import Value

_KEPT = frozenset({"remote_url", "local_file"})


def holds_stored_files(values: Mapping[str, Value]) -> bool:
    """Whether a file that a run stored stands anywhere in `values`."""
    pending: list[Value] = [*values.values()]
    while pending:
        value = pending.pop()
        if is_file(value):
            if value.get("transfer_method") not in _KEPT:
                return True
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False

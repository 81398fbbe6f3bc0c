"""Files in results: kept for the run that stored them, not for those that begin from it."""

from collections.abc import Mapping

from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.values import Value

_ELSEWHERE = "remote_url"


def holds_stored_files(values: Mapping[str, Value]) -> bool:
    """Whether a file that lies in the platform's own store stands anywhere in `values`."""
    pending: list[Value] = [*values.values()]
    while pending:
        value = pending.pop()
        if is_file(value):
            if value.get("transfer_method") != _ELSEWHERE:
                return True
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return False

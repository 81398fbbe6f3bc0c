"""How large a variable is, and how large one that is kept may be."""

import json

from services.engine.domain.variables.values import Value

VARIABLE_BYTES = 200 * 1024
"""Of one conversation variable. Dify's default."""


def size_of(value: Value) -> int:
    """Bytes of a text in UTF-8, of anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))

"""JSON text as the value it stands for."""

import json
from typing import NoReturn

from services.plugin.domain.tool_context import JsonObject, ToolContext, ToolFailure, ToolOutput


async def run(arguments: JsonObject, _context: ToolContext) -> ToolOutput:
    """The value of `json_string`. Raises ToolFailure where it is no JSON."""
    text = str(arguments["json_string"])
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as cause:
        msg = f"this is no JSON: {cause}"
        raise ToolFailure(msg) from cause
    return ToolOutput(text=json.dumps(value, ensure_ascii=False), data={"result": value})


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

"""What makes two requests to run the same request."""

import hashlib
import json
from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue

_NOTHING: Mapping[str, JsonValue] = {}


def run_request_hash(
    app_id: UUID,
    inputs: Mapping[str, JsonValue],
    query: str,
    conversation_id: UUID | None,
    more: Mapping[str, JsonValue] = _NOTHING,
) -> str:
    """The SHA-256 hex digest of what was asked, however it was spelled. Of `more`, what is None was
    not asked."""
    given = {name: value for name, value in more.items() if value is not None}
    asked = [str(app_id), dict(inputs), query, str(conversation_id or ""), given]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

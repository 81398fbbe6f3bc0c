"""What makes two requests to run the same request."""

import hashlib
import json
from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue


def run_request_hash(
    app_id: UUID, inputs: Mapping[str, JsonValue], query: str, conversation_id: UUID | None
) -> str:
    """The SHA-256 hex digest of what was asked, however it was spelled."""
    asked = [str(app_id), dict(inputs), query, str(conversation_id or "")]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

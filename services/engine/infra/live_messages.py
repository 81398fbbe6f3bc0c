"""Live events of a run as the message they travel in."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel

from services.engine.app.events.publish_events import LiveEvent


def encode_live(run_id: UUID, events: Sequence[LiveEvent]) -> bytes:
    """A RunEventMessage that is not validated: the public view has written its events. Raises
    UnicodeEncodeError for text that is no text."""
    return _encoder.encode({"run_id": run_id, "events": events})


def _plain(value: Any) -> Any:  # msgspec hands over whatever it does not know
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not for a live message")


_encoder = msgspec.json.Encoder(enc_hook=_plain)

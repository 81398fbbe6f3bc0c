"""Snapshots as bytes. What this version cannot take up is no snapshot: the journal has it all."""

import msgspec
from pydantic import TypeAdapter, ValidationError

from services.engine.app.errors import JournalRefused
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot

_encoder = msgspec.json.Encoder()
# Not msgspec: it cannot read the recursive type of JSON values.
_snapshots: TypeAdapter[RunSnapshot] = TypeAdapter(RunSnapshot)


def encode_snapshot(snapshot: RunSnapshot) -> bytes:
    """Raises JournalRefused when a value is not JSON."""
    try:
        return _encoder.encode(snapshot)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as e:
        raise JournalRefused(f"A snapshot cannot be written as JSON: {e}") from e


def decode_snapshot(stored: bytes, *, fold_version: int) -> RunSnapshot | None:
    """None for one of another fold version and for bytes that `encode_snapshot` did not write."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _snapshots.validate_json(stored, strict=True)
    except (ValidationError, RecursionError):
        return None

"""Snapshots as bytes. What this version cannot take up is no snapshot: the journal has it all."""

from dataclasses import replace
from typing import cast

import msgspec
from pydantic import TypeAdapter, ValidationError

from services.engine.app.errors import JournalRefused
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.domain.variables.values import Value

MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024
"""A run whose state is larger is taken over from its journal alone."""

_encoder = msgspec.json.Encoder()
# Not msgspec: it cannot read the recursive type of JSON values.
_snapshots: TypeAdapter[RunSnapshot] = TypeAdapter(RunSnapshot)


def snapshot_place(seq: int) -> str:
    """Where a snapshot stands among what is stored of its run, for sealing it."""
    return f"snapshot/{seq}"


def encode_snapshot(snapshot: RunSnapshot) -> bytes | None:
    """None above the bound. For any thread: 5 MB take 10 ms, in many small pieces.

    Raises JournalRefused when a value is not JSON.
    """
    try:
        pool = _pool(snapshot.machine.state.pool)
        if pool is None:
            return None
        state = replace(snapshot.machine.state, pool=pool)
        machine = replace(snapshot.machine, state=state)
        encoded = _encoder.encode(replace(snapshot, machine=machine))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as e:
        raise JournalRefused(f"A snapshot cannot be written as JSON: {e}") from e
    return encoded if len(encoded) <= MAX_SNAPSHOT_BYTES else None


def decode_snapshot(stored: bytes, *, fold_version: int) -> RunSnapshot | None:
    """None for one of another fold version and for bytes that `encode_snapshot` did not write."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _snapshots.validate_json(stored, strict=True)
    except (ValidationError, RecursionError):
        return None


def _pool(pool: dict[str, dict[str, Value]]) -> dict[str, dict[str, Value]] | None:
    # Nearly all of a large snapshot. In one piece it would hold every other thread up, and one
    # far above the bound would be written out for nothing.
    encoded: dict[str, msgspec.Raw] = {}
    size = 0
    for scope, values in pool.items():
        piece = _encoder.encode(values)
        size += len(piece)
        if size > MAX_SNAPSHOT_BYTES:
            return None
        encoded[scope] = msgspec.Raw(piece)
    return cast("dict[str, dict[str, Value]]", encoded)

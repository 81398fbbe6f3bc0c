"""Snapshots as bytes. What this version cannot take up is no snapshot: the journal has it all."""

from typing import TypeVar, cast

import msgspec

from services.engine.app.errors import JournalRefused
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.domain.variables.record import changed

MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024
"""A run whose state is larger is taken over from its journal alone."""

_Key = TypeVar("_Key", int, str)
_Held = TypeVar("_Held")

_encoder = msgspec.json.Encoder()
_snapshots = msgspec.json.Decoder(RunSnapshot)


def snapshot_place(seq: int) -> str:
    """Where a snapshot stands among what is stored of its run, for sealing it."""
    return f"snapshot/{seq}"


def encode_snapshot(snapshot: RunSnapshot) -> bytes | None:
    """None above the bound. For any thread: 5 MB take 10 ms, in many small pieces.

    Raises JournalRefused when a value is not JSON.
    """
    try:
        pieces = _Pieces()
        state = snapshot.machine.state
        frames = [
            frame if frame.pool is None else changed(frame, pool=pieces.of(frame.pool))
            for frame in state.frames
        ]
        active = [_in_pieces(progress, pieces) for progress in state.active]
        if pieces.size > MAX_SNAPSHOT_BYTES:
            return None
        state = changed(state, frames=frames, active=active)
        machine = changed(snapshot.machine, state=state)
        encoded = _encoder.encode(changed(snapshot, machine=machine))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as e:
        raise JournalRefused(f"A snapshot cannot be written as JSON: {e}") from e
    return encoded if len(encoded) <= MAX_SNAPSHOT_BYTES else None


def decode_snapshot(stored: bytes, *, fold_version: int) -> RunSnapshot | None:
    """None for one of another fold version and for bytes that `encode_snapshot` did not write."""
    if fold_version != FOLD_VERSION:
        return None
    try:
        return _snapshots.decode(stored)
    except (msgspec.MsgspecError, RecursionError):
        return None


class _Pieces:
    """Nearly all of a large snapshot. In one piece it would hold every other thread up, and one far
    above the bound would be written out for nothing: above it nothing more is."""

    def __init__(self) -> None:
        self.size = 0

    def of(self, values: dict[_Key, _Held]) -> dict[_Key, _Held]:
        """The same once it is encoded."""
        encoded: dict[_Key, msgspec.Raw] = {}
        for key, value in values.items():
            if self.size > MAX_SNAPSHOT_BYTES:
                break
            piece = _encoder.encode(value)
            self.size += len(piece)
            encoded[key] = msgspec.Raw(piece)
        return cast("dict[_Key, _Held]", encoded)


def _in_pieces(progress: NodeProgress, pieces: _Pieces) -> NodeProgress:
    rounds = progress.rounds
    if rounds is None:
        return progress
    return changed(progress, rounds=changed(rounds, outputs=pieces.of(rounds.outputs)))

"""What a group commit writes of an append: its events encoded, divided and sealed."""

import random
from collections.abc import Sequence
from uuid import UUID

from libs.common.errors import PlatformFault
from libs.common.identifiers import uuid7
from libs.common.object_store.sealed_objects import INLINE_BYTES
from libs.common.run_sealing import RunSealing, required
from services.engine.app.errors import JournalRefused
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.domain.variables.record import changed, record
from services.engine.infra.journal_codec import (
    StoredEvent,
    encode_rows,
    encode_value,
    journal_place,
    variable_place,
    without_large,
)
from services.engine.infra.postgres.command_store import sealed_command
from services.engine.infra.postgres.stored_bodies import divided as divided_body

OBJECTS_FOLDER = "journal"
OUTCOME = "outcome"
_BATCH_ID_BITS = 63


@record
class StoredChange:
    """A variable of a conversation as it will be stored."""

    conversation_id: UUID
    name: str
    seq: int
    value: bytes


@record
class StoredTold:
    """A command to another run of the same tenant as it will be stored."""

    run_id: UUID
    command_id: UUID
    kind: str
    body: bytes


@record
class JournalRow:
    """An append ready to be sent, or a part of one that is too large for one row; `last` with its
    last part, which brings the `changes` and what is `told`. `batch_id` lets a repeat recognise its
    own row. `large` are events that `payload` only names: they are to be stored before it is
    committed."""

    append: Append
    payload: bytes
    first_seq: int
    last_seq: int
    last: bool
    batch_id: int
    message_id: UUID | None
    outcome: bytes | None
    large: Sequence[tuple[StoredEvent, bytes]] = ()
    changes: tuple[StoredChange, ...] = ()
    told: tuple[StoredTold, ...] = ()


def rows_of(
    append: Append, sealing: RunSealing | None, *, divided: bool = False
) -> list[JournalRow]:
    """Close the append for more and encode it; none where it is settled or unwanted already.

    `sealing` None: an append of a run with secrets is refused. `divided`: large events are named
    by their rows; else they stand in them.
    """
    append.sealed = True
    if append.abandoned:
        return []
    try:
        encoded = encode_rows(append.events)
        append.size = sum(len(payload) for _, payload in encoded)
        rows: list[JournalRow] = []
        seq = append.first_seq
        for count, payload in encoded:
            large: list[tuple[StoredEvent, bytes]] = []
            if divided and len(payload) > INLINE_BYTES:
                payload, large = without_large(payload, objects_of(append), seq)  # noqa: PLW2901
            rows.append(_row(append, payload, large, seq, count, sealing))
            seq += count
        if divided:
            rows[-1] = _with_outcome_elsewhere(rows[-1])
    except JournalRefused as error:
        settle(append, Verdict.UNFIT, error.message)
        return []
    except PlatformFault as error:
        settle(append, Verdict.REFUSED, error.message)
        return []
    return rows


def _with_outcome_elsewhere(row: JournalRow) -> JournalRow:
    """The same where the outcome is small, or there is none."""
    if row.outcome is None:
        return row
    append = row.append
    outcome, large = divided_body(
        row.outcome, tenant_id=append.tenant_id, run_id=append.run_id, what=OUTCOME
    )
    return changed(row, outcome=outcome, large=[*row.large, *large]) if large else row


def objects_of(append: Append) -> str:
    """How the names of a run's large events begin. It has no folder, which would stay when it was
    empty."""
    return f"{OBJECTS_FOLDER}/{append.tenant_id}/{append.run_id}"


def _row(
    append: Append,
    payload: bytes,
    large: list[tuple[StoredEvent, bytes]],
    first_seq: int,
    count: int,
    sealing: RunSealing | None,
) -> JournalRow:
    if append.secret:
        payload = required(sealing).seal(
            payload,
            tenant_id=append.tenant_id,
            run_id=append.run_id,
            place=journal_place(first_seq),
        )
    last = first_seq + count == append.first_seq + len(append.events)
    ending = append.ending if last else None
    return JournalRow(
        append=append,
        payload=payload,
        first_seq=first_seq,
        last_seq=first_seq + count - 1,
        last=last,
        batch_id=random.getrandbits(_BATCH_ID_BITS),
        message_id=uuid7() if ending else None,
        outcome=ending.model_dump_json().encode() if ending else None,
        large=large,
        changes=_changes(append, sealing) if last and append.changes else (),
        told=_told(append, sealing) if last and append.told else (),
    )


def _changes(append: Append, sealing: RunSealing | None) -> tuple[StoredChange, ...]:
    conversation_id = append.conversation_id
    if conversation_id is None or not append.changes:
        return ()
    changes: list[StoredChange] = []
    for name, (seq, value) in append.changes.items():
        stored = encode_value(value)
        if append.secret:
            stored = required(sealing).seal(
                stored,
                tenant_id=append.tenant_id,
                run_id=append.run_id,
                place=variable_place(conversation_id, name),
            )
        changes.append(
            StoredChange(conversation_id=conversation_id, name=name, seq=seq, value=stored)
        )
    return tuple(changes)


def _told(append: Append, sealing: RunSealing | None) -> tuple[StoredTold, ...]:
    return tuple(
        StoredTold(
            run_id=command.run_id,
            command_id=command.command_id,
            kind=command.kind,
            body=sealed_command(command, sealing),
        )
        for command in append.told
    )


def settle(append: Append, verdict: Verdict, reason: str) -> None:
    """Tell whoever submitted it, unless nobody waits for it any more."""
    if not append.abandoned:
        append.settled(append, verdict, reason)

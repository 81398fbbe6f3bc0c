"""The statement of a group commit, and its columns."""

from collections.abc import Sequence
from typing import Any

from libs.common.contracts.subjects import RUN_ENDED
from libs.common.database.text_array import text_array
from services.engine.infra.postgres.journal_rows import JournalRow

# $1 is the worker.
_EVENTS = (
    "$1, $2::text::uuid[], $3::text::uuid[], $4::text::bigint[], $5::text::bigint[], "
    "$6::text::bigint[], $7::text::bigint[], $8"
)
_NO_ENDS = "'{}', '{}', '{}', '{}', '{}', ''"
_ENDS = "$9::text::integer[], $10::text::integer[], $11, $12, $13, $14"
_VARIABLES = "$15, $16, $17, $18, $19"
_COMMANDS = "$20, $21, $22, $23, $24"
_COMMIT_EVENTS = f"SELECT engine.commit_batch({_EVENTS}, {_NO_ENDS})"
_COMMIT = f"SELECT engine.commit_batch({_EVENTS}, {_ENDS})"
_COMMIT_WITH_VARIABLES = (
    f"SELECT engine.commit_batch_with_variables({_EVENTS}, {_ENDS}, {_VARIABLES})"
)
_COMMIT_WITH_COMMANDS = (
    f"SELECT engine.commit_batch_with_commands({_EVENTS}, {_ENDS}, {_VARIABLES}, {_COMMANDS})"
)
_Columns = tuple[Any, ...]  # Any: what asyncpg takes


def commit_of(rows: Sequence[JournalRow]) -> tuple[str, _Columns]:
    """The statement that does what `rows` want and no more, and its columns behind the worker."""
    if any(row.told for row in rows):
        return _COMMIT_WITH_COMMANDS, (
            *_events(rows),
            *_ends(rows),
            *_changes(rows),
            *_told(rows),
        )
    if any(row.changes for row in rows):
        return _COMMIT_WITH_VARIABLES, (*_events(rows), *_ends(rows), *_changes(rows))
    if any(row.outcome is not None or row.append.progressed for row in rows):
        return _COMMIT, (*_events(rows), *_ends(rows))
    return _COMMIT_EVENTS, _events(rows)


def _events(rows: Sequence[JournalRow]) -> _Columns:
    return (
        text_array(row.append.tenant_id.hex for row in rows),
        text_array(row.append.run_id.hex for row in rows),
        text_array(str(row.append.epoch) for row in rows),
        text_array(str(row.first_seq) for row in rows),
        text_array(str(row.last_seq) for row in rows),
        text_array(str(row.batch_id) for row in rows),
        [row.payload for row in rows],
    )


def _ends(rows: Sequence[JournalRow]) -> _Columns:
    """The places of rows with progress; those of ends, with what these bring; and its subject."""
    ends = [(place, row) for place, row in enumerate(rows, 1) if row.outcome is not None]
    return (
        text_array(
            str(place) for place, row in enumerate(rows, 1) if row.append.progressed and row.last
        ),
        text_array(str(place) for place, _ in ends),
        [row.append.ending.status for _, row in ends if row.append.ending],
        [row.outcome for _, row in ends],
        [row.message_id for _, row in ends],
        RUN_ENDED.name,
    )


def _told(rows: Sequence[JournalRow]) -> _Columns:
    """The columns of all commands to other runs, each with its row's place."""
    found = [(place, each) for place, row in enumerate(rows, 1) for each in row.told]
    return (
        [place for place, _ in found],
        [each.run_id for _, each in found],
        [each.command_id for _, each in found],
        [each.kind for _, each in found],
        [each.body for _, each in found],
    )


def _changes(rows: Sequence[JournalRow]) -> _Columns:
    """The columns of all changes to variables, each with its row's place."""
    found = [(place, each) for place, row in enumerate(rows, 1) for each in row.changes]
    return (
        [place for place, _ in found],
        [each.conversation_id for _, each in found],
        [each.name for _, each in found],
        [each.seq for _, each in found],
        [each.value for _, each in found],
    )

"""A run's row as a record."""

from collections.abc import Mapping

import asyncpg
from pydantic import JsonValue, TypeAdapter

from libs.common.contracts.run_commands import AcceptRun
from services.backend.domain.runs.records import RunEnding, RunLine, RunRecord

_JSON = TypeAdapter(dict[str, JsonValue])
_LIST = TypeAdapter(tuple[dict[str, JsonValue], ...])


def json_bytes(value: Mapping[str, JsonValue]) -> bytes:
    return _JSON.dump_json(dict(value))


def json_mapping(stored: bytes | None) -> dict[str, JsonValue]:
    return {} if stored is None else _JSON.validate_json(stored)


def json_mappings(stored: bytes | None) -> tuple[dict[str, JsonValue], ...]:
    return () if stored is None else _LIST.validate_json(stored)


def run_record(row: asyncpg.Record) -> RunRecord:
    return RunRecord(
        run_id=row["run_id"],
        app_id=row["app_id"],
        version_id=row["version_id"],
        mode=row["mode"],
        end_user_id=row["end_user_id"],
        session_id=row["session_id"],
        conversation_id=row["conversation_id"],
        message_id=row["message_id"],
        acceptance=AcceptRun.model_validate_json(row["acceptance"]),
        request_hash=row["request_hash"],
        status=row["status"],
        created_at=row["created_at"],
        handed_over=row["handed_over_at"] is not None,
        stop_reason=row["stop_reason"],
        ending=_ending(row),
    )


def run_line(row: asyncpg.Record) -> RunLine:
    finished = row["finished_at"]
    return RunLine(
        run_id=row["run_id"],
        app_id=row["app_id"],
        status=row["status"],
        created_at=row["created_at"].timestamp(),
        finished_at=None if finished is None else finished.timestamp(),
        error=row["error"],
        parent_run_id=row["parent_run_id"],
    )


def _ending(row: asyncpg.Record) -> RunEnding | None:
    if row["finished_at"] is None:
        return None
    return RunEnding(
        run_id=row["run_id"],
        status=row["status"],
        outputs=json_mapping(row["outputs"]),
        error=row["error"],
        answer=row["answer"] or "",
        total_tokens=row["total_tokens"],
        total_steps=row["total_steps"],
        exceptions_count=row["exceptions_count"],
        elapsed_seconds=row["elapsed_seconds"],
        finished_at=row["finished_at"],
        usage=json_mapping(row["usage"]),
    )

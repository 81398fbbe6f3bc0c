"""Lists and turns of conversations read what they show, however much there is beside it."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from libs.common.contracts.run_commands import RunStatus
from services.backend.infra.postgres.conversation_repository import PostgresConversationRepository
from services.backend.infra.postgres.run_repository import PostgresRunRepository
from tests.support.databases import FreshDatabase
from tests.support.rows_read import RowsRead, rows_read

_TENANT, _APP, _TALK = UUID(int=10), UUID(int=1), UUID(int=2)
_FEW = 60
_FILL = f"""
CREATE TEMP TABLE made AS
SELECT n, uuidv7(make_interval(secs => n - 10000)) AS id FROM generate_series(1, 10000) n;
INSERT INTO backend.runs (
    run_id, tenant_id, app_id, version_id, mode, end_user_id, session_id, acceptance, request_hash,
    status, handed_over_at, finished_at, created_at)
SELECT id, '{_TENANT}', '{_APP}', id, 'workflow', id, '', 'x', '',
    CASE WHEN n % 4 = 0 THEN 'queued' ELSE 'succeeded' END, CASE WHEN n % 4 > 0 THEN now() END,
    CASE WHEN n % 4 > 0 THEN now() END, now() - interval '1 hour' FROM made;
INSERT INTO backend.apps (app_id, tenant_id, name, mode, description, icon)
VALUES ('{_APP}', '{_TENANT}', '', 'advanced-chat', '', '');
INSERT INTO backend.conversations (conversation_id, tenant_id, app_id, end_user_id, name, inputs)
VALUES ('{_TALK}', '{_TENANT}', '{_APP}', '{_APP}', '', 'x');
INSERT INTO backend.messages (
    message_id, tenant_id, app_id, conversation_id, run_id, query, inputs, status, answer)
SELECT id, '{_TENANT}', '{_APP}', '{_TALK}', id, '', '{{}}', 'normal', 'a' FROM made;
"""


@pytest.fixture
async def reads(migrated_database: FreshDatabase) -> AsyncIterator[RowsRead]:
    async with rows_read(migrated_database) as found:
        await found.without_statistics("backend")
        await found.admin.execute(_FILL)
        yield found


async def test_lists_of_runs_read_what_they_show(reads: RowsRead) -> None:
    """With statistics: without any, all indexes of a tenant's runs look alike."""
    await reads.admin.execute("ANALYZE backend.runs")
    runs = PostgresRunRepository(reads.pool, reads.sweeper)
    asked: list[tuple[RunStatus | None, UUID | None]] = [
        (None, None), (None, UUID(int=9)), ("failed", None), (None, _APP),
    ]  # fmt: skip
    for status, app_id in asked:
        read = await reads.most(
            lambda status=status, app_id=app_id: runs.lines(
                _TENANT, status=status, app_id=app_id, before=None, limit=20
            )
        )
        assert read < _FEW, (status, app_id)


async def test_the_relay_reads_the_runs_it_hands_over(reads: RowsRead) -> None:
    runs = PostgresRunRepository(reads.pool, reads.sweeper)
    assert await reads.most(lambda: runs.waiting(older_than_seconds=5.0, limit=20)) < _FEW


async def test_a_turn_of_a_long_conversation_reads_its_end(reads: RowsRead) -> None:
    talks = PostgresConversationRepository(reads.pool)
    assert await reads.most(lambda: talks.messages(_TENANT, _TALK, None, 20)) < _FEW
    assert await reads.most(lambda: talks.history(_TENANT, _TALK, 20)) < _FEW
    assert await reads.most(lambda: talks.unfinished_runs(_TENANT, _TALK)) < _FEW

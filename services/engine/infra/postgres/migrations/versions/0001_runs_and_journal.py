"""Runs, their journal, commands, timers, leases, and the functions that fence writes."""

from pathlib import Path

from alembic import op

from libs.common.database.common_tables import outbox_statements
from libs.common.database.roles import APP, SWEEPER
from libs.common.database.row_security import open_to_sweeper, protect_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"
_MONTHS_AHEAD = 2


def upgrade() -> None:
    for name in ("tables", "journal_partitions", "leases"):
        _run(_statements(name))
    _run(outbox_statements("engine"))
    for name in ("claims", "accept_run", "commit_batch"):
        _run(_statements(name))
    _run(_walls())
    _run([f"SELECT engine.ensure_journal_months({_MONTHS_AHEAD})"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup; the first version has nothing to go back to")


def _walls() -> list[str]:
    runs_seen = ("tenant_id", "run_id", "app_id", "status", "owner", "accepted_at")
    return [
        *protect_table("engine", "workflows", app_may="select, insert"),
        *protect_table("engine", "runs", app_may="select, insert, update"),
        *open_to_sweeper("engine", "runs", runs_seen),
        # A journal is only ever added to.
        *protect_table("engine", "journal", app_may="select, insert"),
        *protect_table("engine", "run_commands", app_may="select, insert, update"),
        *open_to_sweeper("engine", "run_commands", ("tenant_id", "run_id", "drained_at")),
        *protect_table("engine", "run_timers"),
        *open_to_sweeper("engine", "run_timers", ("tenant_id", "run_id", "due_at")),
        *protect_table("engine", "snapshots"),
        f"GRANT USAGE ON SCHEMA engine TO {APP}, {SWEEPER}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON engine.workers TO {APP}",
        f"GRANT SELECT ON engine.workers TO {SWEEPER}",
        f"GRANT SELECT ON engine.journal_months TO {APP}",
        "REVOKE EXECUTE ON FUNCTION engine.ensure_journal_months(integer) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION engine.ensure_journal_months(integer) TO {APP}",
    ]


def _statements(name: str) -> list[str]:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").split("\n--;;\n")


def _run(statements: list[str]) -> None:
    connection = op.get_bind()
    for statement in statements:
        # As they stand: text() would read `:name` in them as a parameter.
        connection.exec_driver_sql(statement)

"""What is looked for is found by an index, whatever else there is."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("DROP FUNCTION IF EXISTS engine.queued_groups(uuid, uuid, integer)")
    for name in ("indexes", "claims"):
        for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").split("\n--;;\n"):
            # As it stands: text() would read `:name` in it as a parameter.
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    # The functions stay: they answer as they did before.
    for name in ("runs_live", "forms_of_app", "forms_open", "forms_of_run"):
        op.execute(f"DROP INDEX engine.{name}")
    op.execute(
        "CREATE INDEX runs_waiting ON engine.runs (tenant_id, status, run_id) "
        "WHERE status IN ('parked', 'quarantined', 'incompatible')"
    )
    op.execute("CREATE INDEX forms_of_run ON engine.forms (tenant_id, run_id, opened_at)")

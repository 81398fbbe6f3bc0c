"""Storing snapshots; the group commit deletes that of a run which ends."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("snapshots", "commit_batch"):
        for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").split("\n--;;\n"):
            # As it stands: text() would read `:name` in it as a parameter.
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    # The group commit stays as it is: without snapshots it deletes none.
    op.execute("DROP FUNCTION engine.keep_snapshot")
    op.execute("DELETE FROM engine.snapshots")

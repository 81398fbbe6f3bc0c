"""Handing a run over to a process of its own, and resuming one that was set aside."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql" / "isolation.sql"


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _SQL.read_text(encoding="utf-8").split("\n--;;\n"):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    for name in ("hand_over", "note_death", "resume_run"):
        op.execute(f"DROP FUNCTION engine.{name}")

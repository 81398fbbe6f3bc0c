"""Runs that nodes of other runs call, and what such runs tell each other."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql" / "child_runs.sql"


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _SQL.read_text(encoding="utf-8").split("\n--;;\n"):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: runs may wait for others with what this wrote")

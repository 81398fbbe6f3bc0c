"""Forms, commands that wake parked runs, parking, and timers that become commands."""

from pathlib import Path

from alembic import op

from libs.common.database.row_security import protect_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql" / "parking.sql"


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _SQL.read_text(encoding="utf-8").split("\n--;;\n"):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)
    for statement in protect_table("engine", "forms", app_may="select, insert, update"):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: runs may be parked with what this version wrote")

"""Who is told of a form, and the fact that they are to be."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql" / "form_deliveries.sql"


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _SQL.read_text(encoding="utf-8").split("\n--;;\n"):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: forms may wait for what this version sends")

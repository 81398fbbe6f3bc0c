"""Months of the journal can be retired."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind()
    for name in ("retention", "accept_run"):
        for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").split("\n--;;\n"):
            # As it stands: text() would read `:name` in it as a parameter.
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: months of the journal may be gone")

"""Conversation variables, changed in the transaction of the group commit."""

from pathlib import Path

from alembic import op

from libs.common.database.row_security import protect_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql" / "conversation_variables.sql"


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _SQL.read_text(encoding="utf-8").split("\n--;;\n"):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)
    for statement in protect_table(
        "engine", "conversation_variables", app_may="select, insert, update"
    ):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION engine.commit_batch_with_variables")
    op.execute("DROP TABLE engine.conversation_variables")

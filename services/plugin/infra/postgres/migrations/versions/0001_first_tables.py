"""The ledger of keyed calls."""

from alembic import op

from libs.common.keyed_calls.ledger_tables import keyed_call_statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in keyed_call_statements("plugin"):
        op.execute(statement)

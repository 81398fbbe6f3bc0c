"""The ledger of keyed calls, the last tier of the state store, and the outbox."""

from alembic import op

from libs.common.database.common_tables import outbox_statements, state_record_statements
from libs.common.keyed_calls.ledger_tables import keyed_call_statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (
        *keyed_call_statements("inference"),
        *state_record_statements("inference"),
        *outbox_statements("inference"),
    ):
        op.execute(statement)

"""The calls of a run are found without those of its tenant."""

from alembic import op

from libs.common.keyed_calls.ledger_tables import calls_of_run_statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in calls_of_run_statements("plugin"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop index plugin.call_claims_of_run")
    op.execute("create index call_claims_of_run on plugin.call_claims (run_id)")

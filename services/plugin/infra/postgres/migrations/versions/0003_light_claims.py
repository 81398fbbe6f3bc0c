"""Claims of idempotent calls do not wait for the disk."""

from alembic import op

from libs.common.keyed_calls.ledger_tables import settling_statement

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(settling_statement("plugin"))


def downgrade() -> None:
    """The function is as good for the tables before."""

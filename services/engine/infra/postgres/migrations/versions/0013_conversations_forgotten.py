"""Variables of deleted conversations may go."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT DELETE ON engine.conversation_variables TO heddle_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON engine.conversation_variables FROM heddle_app")

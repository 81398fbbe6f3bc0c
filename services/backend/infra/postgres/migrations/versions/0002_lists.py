"""What lists tell of a key, and indexes for the lists of runs and of conversations."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "alter table backend.api_keys "
        "add column last4 text not null default '', add column last_used_at timestamptz"
    )
    op.execute(
        "create index conversations_of_user_by_age on backend.conversations "
        "(app_id, end_user_id, created_at, conversation_id)"
    )
    op.execute("create index runs_of_tenant on backend.runs (tenant_id, run_id)")


def downgrade() -> None:
    op.execute("drop index backend.conversations_of_user_by_age")
    op.execute("drop index backend.runs_of_tenant")
    op.execute("alter table backend.api_keys drop column last4, drop column last_used_at")

"""What lists tell of a key, and an index for the list of runs."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "alter table backend.api_keys "
        "add column last4 text not null default '', add column last_used_at timestamptz"
    )
    op.execute("create index runs_of_tenant on backend.runs (tenant_id, run_id)")


def downgrade() -> None:
    op.execute("drop index backend.runs_of_tenant")
    op.execute("alter table backend.api_keys drop column last4, drop column last_used_at")

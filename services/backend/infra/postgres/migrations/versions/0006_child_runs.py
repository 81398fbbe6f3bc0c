"""Runs that nodes of other runs call."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("alter table backend.runs add column parent_run_id uuid")
    op.execute(
        "create index runs_of_parent on backend.runs (tenant_id, parent_run_id, run_id) "
        "where parent_run_id is not null"
    )


def downgrade() -> None:
    op.execute("drop index backend.runs_of_parent")
    op.execute("alter table backend.runs drop column parent_run_id")

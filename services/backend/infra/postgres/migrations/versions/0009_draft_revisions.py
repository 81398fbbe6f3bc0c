"""Drafts that can be replaced: each change of one has a number."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("alter table backend.app_drafts add column revision bigint not null default 1")


def downgrade() -> None:
    op.execute("alter table backend.app_drafts drop column revision")

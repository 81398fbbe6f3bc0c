"""Something that the master key has sealed, from the first start on: so that another key is noticed
before anything is sealed with it."""

from alembic import op

from libs.common.database.row_security import protect_table

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("""create table backend.master_key_samples (
        tenant_id uuid primary key references backend.tenants on delete cascade,
        sealed bytea not null)""")
    for statement in protect_table(
        "backend", "master_key_samples", app_may="select, insert, update"
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table backend.master_key_samples")

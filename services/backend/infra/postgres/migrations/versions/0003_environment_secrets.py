"""Sealed values of secret environment variables; rows are added and go with their app."""

from alembic import op

from libs.common.database.row_security import protect_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""create table backend.environment_secrets (
        tenant_id uuid not null,
        app_id uuid not null references backend.apps on delete cascade,
        name text not null,
        version integer not null,
        sealed bytea not null,
        created_at timestamptz not null default now(),
        primary key (app_id, name, version))""")
    for statement in protect_table(
        "backend", "environment_secrets", app_may="select, insert, delete"
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("released tables are not taken back")

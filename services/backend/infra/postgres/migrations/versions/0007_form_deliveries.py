"""What became of telling people of forms; who they are stays with the form."""

from alembic import op

from libs.common.database.row_security import protect_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("""create table backend.form_deliveries (
        tenant_id uuid not null,
        delivery_id uuid not null,
        form_id uuid not null,
        channel text not null,
        status text not null,
        attempts integer not null default 1,
        claimed_until timestamptz not null,
        last_error text,
        changed_at timestamptz not null default now(),
        primary key (tenant_id, delivery_id))""")
    op.execute("create index deliveries_of_form on backend.form_deliveries (tenant_id, form_id)")
    for statement in protect_table("backend", "form_deliveries", app_may="select, insert, update"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table backend.form_deliveries")

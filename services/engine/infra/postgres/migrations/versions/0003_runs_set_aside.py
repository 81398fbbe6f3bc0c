"""An index for runs that wait for somebody: few, and looked for by status."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX runs_waiting ON engine.runs (tenant_id, status, run_id) "
        "WHERE status IN ('parked', 'quarantined', 'incompatible')"
    )


def downgrade() -> None:
    op.execute("DROP INDEX engine.runs_waiting")

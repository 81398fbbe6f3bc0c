"""Lists and look-ups read what they show, whatever else there is."""

from alembic import op

revision = "0005"
down_revision = "0004"

_INDEXES = {
    "runs_of_app": "backend.runs (tenant_id, app_id, run_id)",
    "runs_of_status": "backend.runs (tenant_id, status, run_id)",
    "keys_of_tenant": "backend.api_keys (tenant_id, key_id)",
    "messages_pending": "backend.messages (conversation_id, message_id) where status = 'pending'",
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.execute(f"create index {name} on {columns}")


def downgrade() -> None:
    for name in _INDEXES:
        op.execute(f"drop index backend.{name}")

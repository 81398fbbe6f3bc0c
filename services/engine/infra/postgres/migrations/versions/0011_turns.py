"""Runs of one conversation can go one after another."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"
_OLD_ACCEPT = "engine.accept_run(uuid, uuid, uuid, smallint, text, bytea, uuid, integer)"


def upgrade() -> None:
    connection = op.get_bind()
    commanding = [each for each in _statements("parking") if "FUNCTION engine.add_command(" in each]
    for statement in (
        *_statements("turns"),
        f"DROP FUNCTION IF EXISTS {_OLD_ACCEPT}",
        *_statements("accept_run"),
        *_statements("claims"),
        *_statements("commit_batch"),
        *commanding,
    ):
        # As it stands: text() would read `:name` in it as a parameter.
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: runs may wait for their turn")


def _statements(name: str) -> list[str]:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").split("\n--;;\n")

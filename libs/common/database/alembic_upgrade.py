"""One service's upgrade through Alembic, as heddle_owner."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.database.migration_trees import MigrationTree
from libs.common.database.roles import OWNER

_ENVIRONMENT = Path(__file__).parent / "migration_environment"
_LOCK_TIMEOUT = "10s"


async def upgrade(owner_url: str, tree: MigrationTree) -> None:
    """Run the missing migrations of `tree` in one transaction; the schema exists already."""
    url = make_url(owner_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"set local role {OWNER}"))
            await connection.execute(text(f"set local lock_timeout = '{_LOCK_TIMEOUT}'"))
            await connection.run_sync(_upgrade, tree)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, tree: MigrationTree) -> None:
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(tree.folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["schema"] = tree.schema
    command.upgrade(config, "head")

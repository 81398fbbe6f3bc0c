"""Pools on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from libs.common.database.asyncpg_pool import Pool, create_pool
from tests.support.databases import FreshDatabase


@pytest.fixture
async def pool(migrated_database: FreshDatabase) -> AsyncIterator[Pool]:
    """As heddle_app."""
    pool = await create_pool(migrated_database.url)
    yield pool
    await pool.close()


@pytest.fixture
async def sweeper_pool(migrated_database: FreshDatabase) -> AsyncIterator[Pool]:
    """As heddle_sweeper."""
    pool = await create_pool(migrated_database.sweeper_url)
    yield pool
    await pool.close()

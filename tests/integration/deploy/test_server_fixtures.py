"""The servers that tests get are the real ones, and each test's database is its own."""

# nats-py and redis-py leave their keyword arguments untyped.
# pyright: reportUnknownMemberType=false

from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import nats
import pytest
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.support.databases import FreshDatabase
from tests.support.s3_server import S3Server


@pytest.mark.parametrize("attempt", [1, 2])
async def test_every_test_has_an_empty_database_of_its_own(
    empty_database: FreshDatabase, attempt: int
) -> None:
    connection = await asyncpg.connect(empty_database.owner_url)
    try:
        assert await connection.fetchval("select to_regclass('thing')") is None
        await connection.execute("create table thing (v vector(3))")
        assert (await connection.fetchval("show server_version")).startswith("18")
    finally:
        await connection.close()


async def test_roles_that_run_services_cannot_pass_row_level_security(
    empty_database: FreshDatabase,
) -> None:
    for url in (empty_database.url, empty_database.owner_url):
        connection = await asyncpg.connect(url)
        try:
            row = await connection.fetchrow(
                "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
            )
            assert row is not None
            assert not row["rolsuper"]
            assert not row["rolbypassrls"]
        finally:
            await connection.close()


async def test_nats_has_jetstream(nats_url: str) -> None:
    client = await nats.connect(nats_url)
    try:
        await client.jetstream().account_info()
    finally:
        await client.close()


async def test_redis_asks_for_its_password(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    stranger = redis.Redis(port=urlsplit(redis_url).port or 0, retry=Retry(NoBackoff(), 0))
    try:
        assert await client.ping()
        with pytest.raises(redis.AuthenticationError):
            await stranger.ping()
    finally:
        await client.aclose()
        await stranger.aclose()


def test_s3_refuses_a_request_without_a_signature(s3_server: S3Server) -> None:
    answer = httpx.get(f"{s3_server.endpoint_url}/{s3_server.bucket}")
    assert answer.is_client_error


def test_object_store_folder_exists(object_store_url: str) -> None:
    assert Path(urlsplit(object_store_url).path).is_dir()


async def test_a_migrated_database_has_the_services_schemas(
    migrated_database: FreshDatabase,
) -> None:
    connection = await asyncpg.connect(migrated_database.owner_url)
    try:
        assert await connection.fetchval("select to_regnamespace('engine')") is not None
    finally:
        await connection.close()

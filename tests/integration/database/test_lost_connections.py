"""A server's last words on a connection that is in use are a lost connection, not a defect."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from libs.common.database.asyncpg_pool import Connection, Pool, create_pool
from libs.common.database.store_errors import DatabaseAway
from libs.common.database.tenant_transaction import tenant_transaction
from tests.support.databases import FreshDatabase

_SECONDS = 5.0


@asynccontextmanager
async def _lingering(host: str, port: int) -> AsyncGenerator[tuple[int, asyncio.Event]]:
    """A way to the server, by its port, on which its last words arrive and the end does not; the
    event is set when they were passed on."""
    said = asyncio.Event()

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, done: Callable[[], None]
    ) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        done()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(host, port)
        both: list[Awaitable[None]] = [
            pass_on(reader, questions, questions.close),
            pass_on(answers, writer, said.set),
        ]
        await asyncio.gather(*both, return_exceptions=True)
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], said
    finally:
        server.close()


async def _interrupted(pool: Pool, admin: Connection, said: asyncio.Event) -> None:
    """A transaction before whose commit its connection is ended by the server."""
    async with tenant_transaction(pool, uuid4()) as connection:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
        await asyncio.wait_for(said.wait(), _SECONDS)
        # Whatever had arrived before this question has been read when its answer is.
        await admin.execute("SELECT 1")


async def test_a_transaction_that_a_dying_server_interrupts_finds_the_database_away(
    migrated_database: FreshDatabase,
) -> None:
    address = migrated_database.url.rpartition("@")[2].partition("/")[0]
    host, _, port = address.partition(":")
    admin = await asyncpg.connect(migrated_database.admin_url)
    async with _lingering(host, int(port)) as (way, said):
        pool = await create_pool(migrated_database.url.replace(address, f"127.0.0.1:{way}"))
        with pytest.raises(DatabaseAway):
            await _interrupted(pool, admin, said)
        pool.terminate()
    await admin.close()

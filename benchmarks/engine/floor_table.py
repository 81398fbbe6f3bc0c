"""What the floors write, and where their callee listens."""

import asyncpg

FLOOR_SUBJECT = "bench.floor"
FLOOR_INSERT = "INSERT INTO floor_journal VALUES ($1, $2, $3)"
FLOOR_GROUP = "INSERT INTO floor_journal SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[])"


async def make_floor_table(url: str) -> None:
    """A journal's least: a key by which what was written can be found again, no policy."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS floor_journal "
            "(run uuid, place integer, payload text, PRIMARY KEY (run, place))"
        )
    finally:
        await connection.close()

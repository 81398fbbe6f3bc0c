"""LangGraph with its Postgres saver, durability sync: every superstep is stored before the next."""

import langgraph_peer
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool


class Peer(langgraph_peer.Peer):
    """LangGraph over a pool of 20 connections."""

    def __init__(self, url):
        super().__init__(url)
        self.options = {"durability": "sync"}
        self.pool = AsyncConnectionPool(
            url,
            min_size=20,
            max_size=20,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        )

    async def start(self):
        """Open the pool and make the saver's tables."""
        await self.pool.open(wait=True)
        self.saver = AsyncPostgresSaver(self.pool)
        await self.saver.setup()

    async def close(self):
        """Close the pool."""
        await self.pool.close()

"""DBOS: an async workflow, a durable step a node, Postgres."""

import asyncio

from dbos import DBOS


@DBOS.step()
async def node(wait):
    """A node that waits and passes on."""
    if wait:
        await asyncio.sleep(wait)
    return "x" * 100


@DBOS.workflow()
async def chain_workflow(size, wait):
    """Nodes one after the other."""
    for _ in range(size):
        await node(wait)


@DBOS.workflow()
async def fan_workflow(size):
    """Nodes side by side, then one."""
    await asyncio.gather(*(node(0.0) for _ in range(size)))
    await node(0.0)


class Peer:
    """DBOS in this process."""

    def __init__(self, url):
        self.config = {
            "name": "bench",
            "system_database_url": url,
            "log_level": "ERROR",
            "sys_db_pool_size": 20,
        }

    async def start(self):
        """Make its tables and start."""
        DBOS(config=self.config)
        DBOS.launch()

    async def close(self):
        """Stop."""
        DBOS.destroy()

    def chain(self, size, wait):
        """A chain of `size` nodes that each wait `wait` seconds."""
        return lambda: chain_workflow(size, wait)

    def fan(self, size):
        """`size` parallel nodes, then one."""
        return lambda: fan_workflow(size)

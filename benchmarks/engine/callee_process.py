"""What the effectful rows call: the plugin's keyed-call path, and the bare floor beside it.

    python -m benchmarks.engine.callee_process NATS_URL OBJECT_STORE_URL DATABASE_URL SWEEPER_URL
        FLOOR_URL

Prints `ready` once it serves. The work behind each call is nothing at all.
"""

# nats-py leaves parts of its signatures untyped.
# pyright: reportUnknownMemberType=false

import asyncio
import signal
import sys
from uuid import UUID

import asyncpg
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from benchmarks.engine.floor_table import FLOOR_INSERT, FLOOR_SUBJECT
from libs.common.clock import SystemClock
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import RUN_CODE
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from services.plugin.app.calls.answer_once import AnswerOnce, SingleReply
from services.plugin.infra.keyed_calls.plugin_neighbours import PluginNeighbours

_CONNECTIONS = 10


async def main() -> None:
    nats_url, object_store_url, database_url, sweeper_url, floor_url = sys.argv[1:6]
    clock, holder = SystemClock(), uuid7()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    bus = NatsBus(
        nats_url,
        name="plugin",
        object_store=open_object_store(object_store_url),
        instance=str(holder),
        clock=clock,
    )
    await bus.start()
    pool, sweeper = await create_pool(database_url), await create_pool(sweeper_url)
    ledger = PostgresLedger(pool, schema="plugin", holder=holder, clock=clock, sweeper_pool=sweeper)
    keyed = KeyedCalls(ledger, SingleReply(), PluginNeighbours(bus), clock=clock)
    once = AnswerOnce(keyed)

    async def run_code(_call: CodeCall, envelope: Envelope) -> CodeResult | bytes:
        return await once.run(envelope, _nothing)

    async with keyed.running(), bare_callee(nats_url, floor_url):
        await bus.serve(RUN_CODE, run_code)
        print("ready", flush=True)
        await stop.wait()
        await bus.stop_serving()
    await bus.close()
    await pool.close()
    await sweeper.close()


async def _nothing() -> CodeResult:
    return CodeResult(status="ok", result="x" * 100)


class bare_callee:  # noqa: N801 - used as a context manager
    """Two commits and an answer for every request."""

    def __init__(self, nats_url: str, floor_url: str) -> None:
        self._nats_url = nats_url
        self._floor_url = floor_url

    async def __aenter__(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._floor_url, min_size=_CONNECTIONS, max_size=_CONNECTIONS
        )
        self._client = Client()
        await self._client.connect(self._nats_url)
        self._tasks: set[asyncio.Task[None]] = set()
        await self._client.subscribe(FLOOR_SUBJECT, cb=self._take)

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._pool.close()

    async def _take(self, message: Msg) -> None:
        task = asyncio.ensure_future(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        call = UUID(bytes=message.data[:16])
        async with self._pool.acquire() as connection:
            await connection.execute(FLOOR_INSERT, call, 0, "claimed")
            await connection.execute(FLOOR_INSERT, call, 1, "x" * 100)
        await message.respond(b"x" * 100)


if __name__ == "__main__":
    uvloop.run(main())

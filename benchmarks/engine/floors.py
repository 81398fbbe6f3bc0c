"""What no engine can go below: the bare work of each row, in the same process and loop."""

import asyncio
import time
from typing import Self
from uuid import UUID, uuid4

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from nats.aio.client import Client

from benchmarks.engine.bench_nodes import PAYLOAD
from benchmarks.engine.floor_table import FLOOR_GROUP, FLOOR_INSERT, FLOOR_SUBJECT

_CONNECTIONS = 10
_REQUEST_SECONDS = 30.0


class Floors:
    """Each method does its work once and returns the milliseconds it took."""

    def __init__(self, url: str, nats_url: str) -> None:
        self._url = url
        self._nats_url = nats_url

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._url, min_size=_CONNECTIONS, max_size=_CONNECTIONS
        )
        self._connection = await self._pool.acquire()
        self._insert = await self._connection.prepare(FLOOR_INSERT)
        self._group = await self._connection.prepare(FLOOR_GROUP)
        self._nats = Client()
        await self._nats.connect(self._nats_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._nats.close()
        await self._pool.release(self._connection)
        await self._pool.close()

    async def commit(self) -> float:
        """One row in one transaction."""
        run, began = uuid4(), time.perf_counter()
        await self._insert.fetch(run, 0, PAYLOAD)
        return _since(began)

    async def chain(self, size: int) -> float:
        """A coroutine a node, each in a task of its own, with a dict for state."""
        state: dict[str, str] = {"start": PAYLOAD}
        began = time.perf_counter()
        for place in range(size):
            await asyncio.create_task(_node(state, place))
        return _since(began)

    async def fan(self, size: int) -> float:
        """Nodes side by side that wait for one group commit, then one more that waits for its
        own."""
        began = time.perf_counter()
        commit = _GroupCommit(self._group)
        run = uuid4()
        await asyncio.gather(*(commit.write(run, place) for place in range(size)))
        await commit.write(run, size)
        return _since(began)

    async def batch(self, runs: int, nodes: int, seconds: float) -> float:
        """Every node of every run waits and then writes into a group commit."""
        commit = _GroupCommit(self._group)

        async def one() -> None:
            run = uuid4()
            for place in range(nodes):
                await asyncio.sleep(seconds)
                await commit.write(run, place)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(runs)))
        return _since(began)

    async def batch_cpu(self, runs: int, nodes: int, seconds: float) -> float:
        """Seconds of CPU a thousand nodes, where every node of every run waits on asyncio's own
        loop and nothing else is done."""

        async def one() -> None:
            for _ in range(nodes):
                await asyncio.sleep(seconds)

        async def every() -> None:
            await asyncio.gather(*(one() for _ in range(runs)))

        def bare() -> float:
            began = time.thread_time()
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(every())
            return time.thread_time() - began

        return await asyncio.to_thread(bare) / (runs * nodes) * 1000

    async def calls(self, runs: int, nodes: int) -> float:
        """For each node one commit, one request-reply and its callee's two commits."""

        async def one() -> None:
            run = uuid4()
            for place in range(nodes):
                async with self._pool.acquire() as connection:
                    await connection.execute(FLOOR_INSERT, run, place, PAYLOAD)
                call = uuid4()
                await self._nats.request(FLOOR_SUBJECT, call.bytes, timeout=_REQUEST_SECONDS)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(runs)))
        return _since(began)


class _GroupCommit:
    """Whatever waits goes into one INSERT."""

    def __init__(self, statement: "PreparedStatement[asyncpg.Record]") -> None:
        self._statement = statement
        self._waiting: list[tuple[UUID, int, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, run: UUID, place: int) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((run, place, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._statement.fetch(
                [run for run, _, _ in group],
                [place for _, place, _ in group],
                [PAYLOAD] * len(group),
            )
            for _, _, done in group:
                done.set_result(None)


async def _node(state: dict[str, str], place: int) -> None:
    state[f"n{place}"] = state["start"]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3

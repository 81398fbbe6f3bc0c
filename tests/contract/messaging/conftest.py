"""The two implementations of the bus, each as a caller and a server."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass

import pytest

from libs.common.clock import SystemClock
from libs.common.errors import NotFound
from libs.common.messaging.bus import MessageBus
from libs.common.messaging.dead_letters import DeadLetters
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.store import ObjectInfo


class ObjectsInMemory:
    """Bodies by reference, for these tests."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def put(self, key: str, body: bytes) -> None:
        self.bodies[key] = body

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> int:
        self.bodies[key] = b"".join([chunk async for chunk in chunks])
        return len(self.bodies[key])

    async def get(self, key: str) -> bytes:
        if key not in self.bodies:
            raise NotFound(f"no object {key}")
        return self.bodies[key]

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        yield await self.get(key)

    async def delete(self, key: str) -> None:
        self.bodies.pop(key, None)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        now = SystemClock().now()
        for key in sorted(self.bodies):
            if key.startswith(prefix):
                yield ObjectInfo(key=key, size=len(self.bodies[key]), modified=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buses:
    """`client` calls, `server` serves; `url` of the NATS between them, None in memory."""

    client: MessageBus
    server: MessageBus
    objects: ObjectsInMemory
    url: str | None
    dead: DeadLetters


@pytest.fixture
def objects() -> ObjectsInMemory:
    return ObjectsInMemory()


@pytest.fixture(params=["memory", "nats"])
async def buses(request: pytest.FixtureRequest, objects: ObjectsInMemory) -> AsyncGenerator[Buses]:
    if request.param == "memory":
        bus = InMemoryBus(clock=SystemClock())
        yield Buses(client=bus, server=bus, objects=objects, url=None, dead=bus.dead_letters)
        await bus.close()
        return
    url: str = request.getfixturevalue("nats_url")
    client, server = nats_bus(url, "caller", objects), nats_bus(url, "server", objects)
    await client.start()
    await server.start()
    dead = client.dead_letters
    yield Buses(client=client, server=server, objects=objects, url=url, dead=dead)
    await client.close()
    await server.close()


def nats_bus(url: str, name: str, objects: ObjectsInMemory) -> NatsBus:
    return NatsBus(url, name=name, object_store=objects, instance=f"{name}-1", clock=SystemClock())

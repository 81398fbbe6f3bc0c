"""What every command channel must do: one suite, in memory, over NATS and over Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from deploy.local.loopback import free_port
from libs.common.clock import SystemClock
from libs.common.errors import Unavailable
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.redis_client import redis_client
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.infra.command_channels.in_memory_channel import InMemoryCommandChannel
from services.engine.infra.command_channels.nats_channel import NatsCommandChannel
from services.engine.infra.command_channels.redis_channel import RedisCommandChannel
from tests.contract.messaging.conftest import ObjectsInMemory, nats_bus

TENANT = uuid4()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Two processes' ends of one channel."""

    sender: CommandChannel
    owner: CommandChannel


@pytest.fixture(params=["memory", "bus", "nats", "redis"])
async def channels(request: pytest.FixtureRequest) -> AsyncIterator[Channels]:
    match request.param:
        case "memory":
            channel = InMemoryCommandChannel()
            yield Channels(sender=channel, owner=channel)
        case "bus":
            bus = InMemoryBus(clock=SystemClock())
            yield Channels(sender=NatsCommandChannel(bus), owner=NatsCommandChannel(bus))
            await bus.close()
        case "nats":
            url: str = request.getfixturevalue("nats_url")
            buses = [nats_bus(url, name, ObjectsInMemory()) for name in ("sender", "owner")]
            for bus in buses:
                await bus.start()
            sender, owner = map(NatsCommandChannel, buses)
            yield Channels(sender=sender, owner=owner)
            for bus in buses:
                await bus.close()
        case _:
            clients = [redis_client(request.getfixturevalue("redis_url")) for _ in range(2)]
            sender, owner = map(RedisCommandChannel, clients)
            yield Channels(sender=sender, owner=owner)
            for client in clients:
                await client.aclose()


async def test_who_listens_to_all_hears_every_run(channels: Channels) -> None:
    runs = [uuid4() for _ in range(3)]
    async with channels.owner.heard() as wakes:
        for run_id in runs:
            await channels.sender.ring(TENANT, run_id)
        assert [await wakes.next(timeout=5) for _ in runs] == runs


async def test_who_listens_to_one_run_hears_no_other(channels: Channels) -> None:
    mine, other = uuid4(), uuid4()
    async with channels.owner.heard(mine) as wakes:
        await channels.sender.ring(TENANT, other)
        await channels.sender.ring(TENANT, mine)
        assert await wakes.next(timeout=5) == mine


async def test_everybody_who_listens_hears(channels: Channels) -> None:
    run_id = uuid4()
    async with channels.owner.heard() as first, channels.sender.heard(run_id) as second:
        await channels.sender.ring(TENANT, run_id)
        assert await asyncio.gather(first.next(timeout=5), second.next(timeout=5)) == [
            run_id,
            run_id,
        ]


async def test_silence_is_told_and_nothing_is_kept_for_later(channels: Channels) -> None:
    early = uuid4()
    async with channels.sender.heard(early) as heard:
        # Only what was delivered to somebody is past; until then it may still be under way.
        await channels.sender.ring(TENANT, early)
        assert await heard.next(timeout=5) == early
    async with channels.owner.heard() as wakes:
        assert await wakes.next(timeout=0.05) is None
        run_id = uuid4()
        await channels.sender.ring(TENANT, run_id)
        assert await wakes.next(timeout=5) == run_id


async def test_a_silence_longer_than_a_connections_patience_loses_nothing(
    channels: Channels,
) -> None:
    run_id: UUID = uuid4()
    async with channels.owner.heard() as wakes:
        waiting = asyncio.ensure_future(wakes.next(timeout=10))
        # Redis' client gives an answer one second.
        assert (await asyncio.wait((waiting,), timeout=1.5))[0] == set()
        await channels.sender.ring(TENANT, run_id)
        assert await waiting == run_id


async def test_a_redis_that_is_away_raises_where_one_listens_and_nowhere_else() -> None:
    client = redis_client(f"redis://127.0.0.1:{free_port()}", timeout=0.2)
    channel = RedisCommandChannel(client)
    await channel.ring(TENANT, uuid4())
    with pytest.raises(Unavailable):
        async with channel.heard():
            pass
    await client.aclose()

"""What calls leave in the object store goes a day after their run has ended."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from libs.common.contracts.envelope import Effect, Envelope
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.in_memory_ledger import InMemoryLedger, SharedRecords
from libs.common.keyed_calls.ledger import KEEP_ENDED
from libs.common.object_store.filesystem_store import FilesystemStore
from services.plugin.app.files.collect_files import CollectFiles
from services.plugin.domain.stored_files import Source, file_key, owner_of
from tests.support.manual_clock import ManualClock

TENANT = UUID(int=1)
DAY = timedelta(days=1).total_seconds()


@dataclass(slots=True)
class World:
    folder: Path
    objects: FilesystemStore
    clock: ManualClock = field(default_factory=ManualClock)
    records: SharedRecords = field(default_factory=SharedRecords)

    @property
    def ledger(self) -> InMemoryLedger:
        return InMemoryLedger(self.records, holder=uuid7(), clock=self.clock)

    async def store(self, source: Source, envelope: Envelope) -> str:
        """A file as a call of `envelope` leaves one now."""
        if envelope.effect is not None:
            await self.ledger.claim(TENANT, envelope.effect, repeatable=True)
        key = file_key(source, envelope, uuid7())
        await self.objects.put(key, b"x")
        now = self.clock.now().timestamp()
        os.utime(self.folder / key, (now, now))
        return key

    async def collect(self) -> int:
        """One round of upkeep: records first, as everywhere once an hour, then files."""
        ledger = self.ledger
        await ledger.collect(KEEP_ENDED)
        files = CollectFiles(objects=self.objects, kept_runs=ledger.kept_runs, clock=self.clock)
        return await files.run()

    async def keys(self) -> list[str]:
        return [info.key async for info in self.objects.list("")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    objects = FilesystemStore(tmp_path)
    yield World(tmp_path, objects)
    await objects.aclose()


def call(run_id: UUID) -> Envelope:
    key = f"{TENANT}/{run_id}/n/-/0/{uuid7()}"
    effect = Effect(run_id=run_id, epoch=1, key=key, request_hash="h", effect_class="idempotent")
    return Envelope(tenant_id=TENANT, effect=effect)


async def test_files_stay_while_the_run_goes_on_and_a_day_longer(world: World) -> None:
    run = uuid7()
    kept = {await world.store("http", call(run)), await world.store("command", call(run))}
    await world.clock.advance(40 * DAY)
    assert await world.collect() == 0
    await world.ledger.run_ended(TENANT, run, 1)
    await world.clock.advance(DAY)
    assert await world.collect() == 0
    assert set(await world.keys()) == kept
    await world.clock.advance(1)
    assert await world.collect() == 2
    assert await world.keys() == []


async def test_only_the_ended_runs_files_go(world: World) -> None:
    ended, going_on = uuid7(), uuid7()
    await world.store("http", call(ended))
    kept = await world.store("http", call(going_on))
    await world.ledger.run_ended(TENANT, ended, 1)
    await world.clock.advance(DAY + 1)
    assert await world.collect() == 1
    assert await world.keys() == [kept]


async def test_files_of_calls_without_a_run_go_after_a_day(world: World) -> None:
    await world.store("http", Envelope(tenant_id=TENANT))
    await world.store("command", Envelope())
    await world.clock.advance(DAY - 1)
    assert await world.collect() == 0
    await world.clock.advance(2)
    assert await world.collect() == 2


async def test_others_objects_are_not_its_business(world: World) -> None:
    for key in ("uploads/a", "messages/kept/b", "httpd/c"):
        await world.objects.put(key, b"x")
        os.utime(world.folder / key, (0, 0))
    await world.clock.advance(DAY + 1)
    assert await world.collect() == 0


async def test_many_files_go_in_one_round(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.plugin.app.files.collect_files._AT_ONCE", 3)
    run = uuid7()
    for _ in range(7):
        await world.store("http", call(run))
    await world.ledger.run_ended(TENANT, run, 1)
    await world.clock.advance(DAY + 1)
    assert await world.collect() == 7


def test_a_files_name_tells_whose_it_is() -> None:
    run = uuid7()
    assert owner_of(file_key("http", call(run), uuid7())) == (TENANT, run)
    assert owner_of(file_key("http", Envelope(tenant_id=TENANT), uuid7())) is None
    assert owner_of(f"http/{TENANT}/{uuid7()}/x") is None

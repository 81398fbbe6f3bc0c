"""What every DeliveryRecords must do: one suite, in memory and over Postgres."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import create_pool
from services.backend.app.ports.delivery_records import DeliveryRecords, DeliveryStatus
from services.backend.infra.postgres.delivery_records import PostgresDeliveryRecords
from tests.support.deliveries import InMemoryDeliveryRecords

TENANT, FORM = uuid4(), uuid4()


@pytest.fixture(params=["memory", "postgres"])
async def records(request: pytest.FixtureRequest) -> AsyncIterator[DeliveryRecords]:
    if request.param == "memory":
        yield InMemoryDeliveryRecords(SystemClock())
    else:
        database = request.getfixturevalue("migrated_database")
        async with await create_pool(database.url) as pool:
            yield PostgresDeliveryRecords(pool)


async def _claim(records: DeliveryRecords, place: UUID, *, seconds: float = 30.0) -> str:
    return await records.claim(TENANT, FORM, place, "email", seconds=seconds)


async def test_of_several_at_once_one_sends(records: DeliveryRecords) -> None:
    place = uuid4()
    claimed = await asyncio.gather(*(_claim(records, place) for _ in range(5)))
    assert sorted(claimed) == ["busy"] * 4 + ["ours"]


@pytest.mark.parametrize("status", ["sent", "closed", "untold"])
async def test_what_is_over_is_not_begun_again(
    records: DeliveryRecords, status: DeliveryStatus
) -> None:
    place = uuid4()
    assert await _claim(records, place) == "ours"
    await records.settle(TENANT, place, status)
    assert await _claim(records, place) == "over"


@pytest.mark.parametrize("status", ["failed", "refused"])
async def test_what_failed_is_begun_again(records: DeliveryRecords, status: DeliveryStatus) -> None:
    place = uuid4()
    await _claim(records, place)
    await records.settle(TENANT, place, status, "451")
    (told,) = await records.of_form(TENANT, FORM)
    assert (told.status, told.attempts, told.last_error) == (status, 1, "451")
    assert await _claim(records, place) == "ours"
    (told,) = await records.of_form(TENANT, FORM)
    assert (told.status, told.attempts, told.last_error) == ("sending", 2, None)


async def test_whoever_began_and_died_is_followed_by_another(records: DeliveryRecords) -> None:
    place = uuid4()
    assert await _claim(records, place, seconds=0.0) == "ours"
    assert await _claim(records, place) == "ours"
    assert await _claim(records, place) == "busy"


async def test_what_was_sent_stays_sent(records: DeliveryRecords) -> None:
    place = uuid4()
    await _claim(records, place)
    await records.settle(TENANT, place, "sent")
    await records.settle(TENANT, place, "failed", "too late")
    (told,) = await records.of_form(TENANT, FORM)
    assert (told.delivery_id, told.channel, told.status) == (place, "email", "sent")


async def test_a_form_shows_its_own(records: DeliveryRecords) -> None:
    await _claim(records, uuid4())
    assert await records.of_form(TENANT, uuid4()) == []
    assert await records.of_form(uuid4(), FORM) == []
    assert len(await records.of_form(TENANT, FORM)) == 1

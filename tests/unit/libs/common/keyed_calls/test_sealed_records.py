"""The record of a sealed call is kept closed and answered open."""

import base64
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from pydantic import SecretStr

from libs.common.errors import PlatformFault, UpstreamError
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.in_memory_ledger import InMemoryLedger, SharedRecords
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.run_seal import RunSeal
from libs.common.run_sealing import RunSealing
from tests.support.manual_clock import ManualClock
from tests.unit.libs.common.keyed_calls.processes import RUN, TENANT, Direct, Words, World, effect

SEAL = RunSeal(SecretStr(base64.b64encode(bytes(32)).decode()))


class Copies:
    """Implements GrowingText."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def add(self, tenant_id: UUID, key: str, claim_number: int, part: bytes) -> None:
        self.kept.append(part)

    def end(self, tenant_id: UUID, key: str, claim_number: int) -> None:
        """Nothing to forget."""


async def told(
    records: SharedRecords, copies: Copies, sealing: RunSealing | None, *, fails: bool = False
) -> list[str]:
    """The parts as a process of its own reads them."""

    async def upstream() -> AsyncGenerator[str]:
        yield "a"
        if fails:
            raise UpstreamError("it said: secret")
        yield "secret."

    clock = ManualClock()
    ledger = InMemoryLedger(records, holder=uuid7(), clock=clock)
    calls = KeyedCalls[str](
        ledger, Words(), Direct(World()), clock=clock, growing=copies, sealing=sealing
    )
    async with calls.running(drain=0.0):
        parts = calls.open(TENANT, effect(), upstream, timeout=5, sealed=True)
        return [part async for part in parts]


async def test_it_is_kept_closed_and_answered_open() -> None:
    records, copies = SharedRecords(), Copies()
    assert await told(records, copies, SEAL) == ["a", "secret."]
    assert await told(records, copies, SEAL) == ["secret."]
    (row,) = records.claims.values()
    assert row.end is not None
    assert b"secret" not in row.end.payload
    assert row.request_hash == SEAL.digest("h", tenant_id=TENANT, run_id=RUN)
    assert copies.kept == []


async def test_so_is_a_failure() -> None:
    records, copies = SharedRecords(), Copies()
    for _ in range(2):
        with pytest.raises(UpstreamError, match="it said: secret"):
            await told(records, copies, SEAL, fails=True)
    (row,) = records.claims.values()
    assert row.end is not None
    assert b"secret" not in row.end.payload


async def test_without_a_key_it_is_not_made() -> None:
    records = SharedRecords()
    with pytest.raises(PlatformFault):
        await told(records, Copies(), None)
    assert records.claims == {}

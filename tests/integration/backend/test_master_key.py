"""A backend whose master key is another than the one that sealed what is stored."""

import asyncio
import base64
import json
import os
import sys

import pytest
from pydantic import SecretStr

from deploy.local.layout import CHECKOUT
from libs.common.exit_status import CANNOT_START
from services.backend.app.identity.check_master_key import (
    MasterKeyWrong,
    check_master_key,
    remember_master_key,
)
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.infra.postgres.sealed_samples import PostgresSealedSamples
from tests.integration.backend.conftest import MASTER_KEY, House
from tests.support.databases import FreshDatabase

_OTHER = base64.b64encode(b"another master key, 32 bytes lon").decode()


async def _check(house: House, key: str) -> None:
    samples = PostgresSealedSamples(house.pool, house.sweeper_pool)
    await check_master_key(samples, MasterKeySealer(SecretStr(key)))


async def test_with_nothing_stored_any_key_will_do(house: House) -> None:
    await _check(house, _OTHER)


async def test_a_key_that_opens_nothing_is_refused(house: House) -> None:
    body = {"api_key": "sk-x"}
    await house.http.put("/api/providers/openai", json=body, headers=house.admin())
    old = MASTER_KEY.get_secret_value()
    await _check(house, old)
    await _check(house, f"{_OTHER},{old}")
    with pytest.raises(MasterKeyWrong, match="HEDDLE_MASTER_KEY") as refused:
        await _check(house, _OTHER)
    assert old not in refused.value.message


async def test_one_secret_that_opens_is_enough(house: House) -> None:
    body = {"api_key": "sk-x"}
    await house.http.put("/api/providers/openai", json=body, headers=house.admin())
    box = MasterKeySealer(SecretStr(_OTHER)).seal(house.tenant_id, "demo", "k")
    await house.cases.credentials.credentials.put(house.tenant_id, "demo", box, None)
    await _check(house, _OTHER)
    await _check(house, MASTER_KEY.get_secret_value())


async def test_the_first_start_is_remembered_and_a_key_can_be_replaced(house: House) -> None:
    samples = PostgresSealedSamples(house.pool, house.sweeper_pool)
    old = MASTER_KEY.get_secret_value()
    for key in (old, f"{_OTHER},{old}"):
        await _check(house, key)
        sealer = MasterKeySealer(SecretStr(key))
        await remember_master_key(samples, sealer, house.tenant_id)
    await _check(house, _OTHER)
    with pytest.raises(MasterKeyWrong):
        await _check(house, old)


async def test_a_backend_with_a_wrong_key_ends_and_says_why(
    house: House, migrated_database: FreshDatabase, nats_url: str
) -> None:
    samples = PostgresSealedSamples(house.pool, house.sweeper_pool)
    await remember_master_key(samples, MasterKeySealer(MASTER_KEY), house.tenant_id)
    environment = {
        **os.environ,
        **migrated_database.environment(),
        "HEDDLE_NATS_URL": nats_url,
        "HEDDLE_OBJECT_STORE_URL": house.folder.as_uri(),
        "HEDDLE_STATE_DIR": str(house.folder),
        "HEDDLE_BACKEND_PORT": "0",
        "HEDDLE_MASTER_KEY": _OTHER,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.backend.main",
        cwd=CHECKOUT,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == CANNOT_START
    last = json.loads(said.splitlines()[-1])
    assert (last["event"], last["code"]) == ("cannot_start", "master_key_wrong")
    assert "HEDDLE_MASTER_KEY" in last["error"]

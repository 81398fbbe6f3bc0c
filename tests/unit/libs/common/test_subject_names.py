"""Where a run's events go."""

from uuid import uuid4

from libs.common.contracts.subjects import CELL, SHARDS, run_live, run_wake, shard_of


def test_a_run_lives_in_its_cell_and_its_tenants_shard() -> None:
    tenant, run = uuid4(), uuid4()
    shard = shard_of(tenant)
    assert run_live(tenant, run).name == f"engine.run.{CELL}.{shard}.{tenant}.{run}.live"
    assert run_wake(run).name.startswith(f"engine.run.{CELL}.")


def test_tenants_are_spread_over_all_shards() -> None:
    assert {shard_of(uuid4()) for _ in range(64 * SHARDS)} == set(range(SHARDS))

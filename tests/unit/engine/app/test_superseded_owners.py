"""A callee that has seen a newer owner of the run tells the old one by refusing its call."""

import asyncio

from libs.common.keyed_calls.ledger import StaleEpoch
from services.engine.domain.events import journal
from tests.support.engine_callees import Callees
from tests.support.engine_harness import Cluster, eventually
from tests.support.engine_nodes import chain


async def test_a_refused_owner_stops_driving_and_says_nothing_more(
    cluster: Cluster, callees: Callees
) -> None:
    callees.errors = [StaleEpoch("epoch 2 was seen")]
    worker = cluster.replicas[0].engine.worker
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)

    async def stopped() -> bool:
        return worker.under_way() == 0

    await eventually(stopped, within=5.0)
    kinds = [type(entry.event) for entry in await cluster.journal(asked.run_id)]
    assert kinds[-1] is journal.EffectDispatched

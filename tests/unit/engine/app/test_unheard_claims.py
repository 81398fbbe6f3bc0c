"""A claim may be committed although its answer never comes: the run must be driven all the same."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.run_commands import AcceptRun
from libs.common.errors import Unavailable
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.run_store import Acceptance, Claim, Group
from services.engine.infra.in_memory.command_store import InMemoryCommandStore
from services.engine.infra.in_memory.conversation_store import InMemoryConversationStore
from services.engine.infra.in_memory.engine_state import EngineState
from services.engine.infra.in_memory.form_store import InMemoryFormStore
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from services.engine.infra.in_memory.parking_store import InMemoryParkingStore
from services.engine.infra.in_memory.run_store import InMemoryRunStore
from services.engine.infra.in_memory.snapshot_store import InMemorySnapshotStore
from services.engine.infra.in_memory.worker_leases import InMemoryWorkerLeases
from services.engine.infra.in_memory.workflow_store import InMemoryWorkflowStore
from tests.support.engine_harness import Cluster
from tests.support.engine_nodes import chain


class _DeafRuns(InMemoryRunStore):
    """Commits, and says nothing the first time: `tries` counts."""

    tries = 0

    async def accept(self, request: AcceptRun, *, worker: UUID | None) -> Acceptance:
        return self._heard(await super().accept(request, worker=worker))

    async def claim_queued(self, worker: UUID, groups: Sequence[Group]) -> list[Claim]:
        claims = await super().claim_queued(worker, groups)
        return self._heard(claims) if claims else claims

    def _heard(self, answer: Any) -> Any:
        self.tries += 1
        if self.tries == 1:
            raise Unavailable("the answer was lost")
        return answer


@pytest.fixture
async def deaf(bus: InMemoryBus) -> AsyncIterator[Cluster]:
    state = EngineState(SystemClock())

    def stores_of(worker_id: UUID) -> tuple[EngineStores, Coroutine[Any, Any, None]]:
        journal = InMemoryJournal(state, worker_id)
        stores = EngineStores(
            runs=_DeafRuns(state),
            commands=InMemoryCommandStore(state),
            leases=InMemoryWorkerLeases(state),
            workflows=InMemoryWorkflowStore(state),
            reader=journal,
            writer=journal,
            snapshots=InMemorySnapshotStore(state),
            conversations=InMemoryConversationStore(state),
            parking=InMemoryParkingStore(state),
            forms=InMemoryFormStore(state),
        )
        return stores, journal.run()

    cluster = Cluster(stores_of, bus)
    await cluster.replica(serve=False)
    yield cluster
    await cluster.close()


@pytest.mark.parametrize("asked_again", [False, True])
async def test_a_run_whose_acceptance_went_unheard_is_driven(
    deaf: Cluster, asked_again: bool
) -> None:
    accept = deaf.replicas[0].engine.use_cases.accept
    asked = await deaf.asked(chain({"type": "pass"}))
    with pytest.raises(Unavailable):
        await accept.execute(asked)
    if asked_again:
        assert (await accept.execute(asked)).already_known
    assert (await deaf.ended(asked.run_id)).status == "succeeded"


async def test_a_repeated_acceptance_has_the_sweep_look_for_the_first(deaf: Cluster) -> None:
    """The store's own repetition told us nothing of its first try."""
    worker = deaf.replicas[0]
    asked = await deaf.asked(chain({"type": "pass"}))
    with pytest.raises(Unavailable):
        await worker.stores.runs.accept(asked, worker=worker.worker_id)
    answer = await worker.engine.use_cases.accept.execute(asked)
    assert (answer.already_known, answer.status) == (True, "running")
    assert (await deaf.ended(asked.run_id)).status == "succeeded"


async def test_a_picked_run_that_was_never_heard_of_is_driven(deaf: Cluster) -> None:
    runs = deaf.replicas[0].stores.runs
    assert isinstance(runs, _DeafRuns)
    asked = await deaf.asked(chain({"type": "pass"}))
    await InMemoryRunStore.accept(runs, asked, worker=None)
    assert (await deaf.ended(asked.run_id)).status == "succeeded"

"""Leases in memory."""

from uuid import UUID

from services.engine.infra.in_memory.engine_state import EngineState


class InMemoryWorkerLeases:
    """Implements WorkerLeases."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def beat(self, worker: UUID, *, seconds: float) -> None:
        self._state.leases[worker] = self._state.clock.monotonic() + seconds

    async def step_down(self, worker: UUID) -> None:
        self._state.leases.pop(worker, None)

    async def prepare_journal(self) -> None:
        return

"""Runs that a run calls: accepted before it rests, and told what it has to say to them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.run_commands import RunCommand
from libs.common.contracts.run_limits import RunLimits
from libs.common.contracts.start_inputs import InputRefused, checked_inputs
from libs.common.errors import HeddleError
from services.engine.app.effects.child_acceptance import child_accepted, pinned
from services.engine.app.errors import RunUnknown, WorkflowUnknown
from services.engine.app.ports.run_store import Acceptance, Claim, RunStore
from services.engine.app.runs.wake_run import RunWaker
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.execution.step import StartChild
from services.engine.domain.node_parts.effects import EffectError

_log = logging.getLogger(__name__)
_AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPorts:
    """What calling runs takes. `on_child` is told the tenant of every run that was called."""

    runs: RunStore
    workflows: CompiledWorkflows
    waker: RunWaker
    clock: Clock
    on_child: Callable[[UUID], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEvents:
    """`left`: what a child may take now. `accepted`: the child that this effect calls is stored.
    `refused`: there will be none. `lost`: the run is no longer ours. `defect`: accepting one met
    what nobody expected."""

    left: Callable[[], RunLimits]
    accepted: Callable[[str], None]
    refused: Callable[[str, EffectError], None]
    lost: Callable[[str], None]
    defect: Callable[[BaseException], None]


class ChildRuns:
    """The runs that one run calls under one claim. While the store is away it goes on trying."""

    def __init__(self, claim: Claim, ports: ChildPorts, events: ChildEvents) -> None:
        self._claim = claim
        self._ports = ports
        self._events = events
        self._starting: set[asyncio.Task[None]] = set()
        self._waking: set[asyncio.Task[None]] = set()

    def start(self, child: StartChild) -> None:
        """Have it accepted; what stands in the journal before it is durable."""
        self._spawn(self._started(child, self._events.left()), self._starting)

    def wake(self, told: Sequence[RunCommand]) -> None:
        """These commands to other runs are stored."""
        for command in told:
            self._spawn(self._woken(command), self._waking)

    def stop(self) -> None:
        """Accept none any more; who takes the run over does."""
        for task in self._starting:
            task.cancel()

    async def closed(self) -> None:
        """Wait until no task is left."""
        await asyncio.gather(*self._starting, *self._waking, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)

        def over(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                self._events.defect(error)

        task.add_done_callback(over)

    async def _started(self, child: StartChild, left: RunLimits) -> None:
        try:
            accepted = await self._surely(child, left)
        except EffectError as refused:
            self._events.refused(child.key, refused)
            return
        if accepted is None:
            self._events.lost("a run that it calls was not accepted")
            return
        self._events.accepted(child.key)
        self._ports.on_child(self._claim.tenant_id)
        if accepted.status == "queued":
            await self._ports.waker.wake(self._claim.tenant_id, child.child_run_id, "queued", 0)

    async def _surely(self, child: StartChild, left: RunLimits) -> Acceptance | None:
        while True:
            try:
                return await self._accepted(child, left)
            except InputRefused as error:
                raise _refused("SubWorkflowInputRefused", error) from error
            except WorkflowUnknown as error:
                raise _refused("SubWorkflowMissing", error) from error
            except HeddleError as error:
                _log.warning("a run that %s calls waits: %s", self._claim.run_id, error)
                await self._ports.clock.sleep(_AWAY_SECONDS)

    async def _accepted(self, child: StartChild, left: RunLimits) -> Acceptance | None:
        ports, claim = self._ports, self._claim
        pin = pinned(claim.request, child)
        workflow = await ports.workflows.get(claim.tenant_id, pin.workflow_hash)
        declared = workflow.compiled.report.start_variables
        fact = child_accepted(
            claim,
            child,
            pin,
            inputs=checked_inputs(declared, child.call.inputs),
            limits=left,
            now=ports.clock.now().timestamp(),
        )
        return await ports.runs.accept_child(claim, fact)

    async def _woken(self, command: RunCommand) -> None:
        try:
            found = await self._ports.runs.find(command.tenant_id, command.run_id)
        except RunUnknown:
            return
        except HeddleError as error:
            # The sweep finds what a lost wake-up would have said.
            _log.info("run %s was not woken: %s", command.run_id, error)
            return
        await self._ports.waker.wake(command.tenant_id, command.run_id, found.status, found.epoch)


def _refused(error_type: str, error: HeddleError) -> EffectError:
    return EffectError(error.message, error_type=error_type, retryable=False)

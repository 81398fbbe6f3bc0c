"""An engine, and a run of its own process, put together from what they need from outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.clock import Clock
from libs.common.messaging.bus import MessageBus
from services.engine.app.conversations.change_variable import ChangeVariableUseCase
from services.engine.app.conversations.forget_conversation import ForgetConversation
from services.engine.app.conversations.read_variables import ReadVariables
from services.engine.app.effects.child_runs import ChildPorts
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.forms.read_forms import ReadForms
from services.engine.app.forms.submit_form import SubmitFormUseCase
from services.engine.app.observing.observed_effects import ObservedEffects, OnEffect, uncounted
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.environment_secrets import EnvironmentSecrets, NoSecrets
from services.engine.app.ports.isolated_processes import IsolatedProcesses
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.accept_run import AcceptRunUseCase
from services.engine.app.runs.carry_alone import LonePorts, LoneRun
from services.engine.app.runs.carry_run import CarrierPorts, RunCarrier, Suspicion
from services.engine.app.runs.command_run import CommandRun
from services.engine.app.runs.cut_snapshots import SNAPSHOT_FLOOR
from services.engine.app.runs.driver_ports import DriverPorts
from services.engine.app.runs.fire_timers import TimerSweep
from services.engine.app.runs.hear_wakes import hear_wakes
from services.engine.app.runs.isolate_run import IsolationPorts, RunIsolation
from services.engine.app.runs.keep_lease import LeaseKeeper, LeasePace
from services.engine.app.runs.plan_fork import PlanForkUseCase
from services.engine.app.runs.read_run import ReadRun
from services.engine.app.runs.ring_doorbell import ring_doorbell
from services.engine.app.runs.run_timers import LoopTimers
from services.engine.app.runs.wake_run import RunWaker
from services.engine.app.use_cases import EngineUseCases
from services.engine.app.worker import Worker, WorkerOptions, WorkerPorts
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.known_tools import KnownTools
from services.engine.app.workflows.known_workflows import KnownWorkflows
from services.engine.app.workflows.register_workflow import RegisterWorkflowUseCase
from services.engine.app.workflows.validate_workflow import ValidateWorkflowUseCase
from services.engine.app.workflows.workflow_reports import WorkflowReports
from services.engine.domain.layers.debug_log import Detail
from services.engine.domain.layers.layer_stack import LayerStack
from services.engine.domain.node_parts.node_contract import NodeType
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.sizes import VARIABLE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine behaves. `catalogue` are the node types on offer, `isolated` the runs that may
    have a process of their own at once, `group_limit` the running ones of an app (None: any),
    `snapshot_floor` the bytes of journal that no snapshot is kept for, `variable_bytes` those of
    one conversation variable, `run_log` what the log tells of every run's events."""

    worker: WorkerOptions = field(default_factory=WorkerOptions)
    lease: LeasePace = field(default_factory=LeasePace)
    suspicion: Suspicion = field(default_factory=Suspicion)
    isolated: int = 4
    group_limit: int | None = None
    snapshot_floor: int = SNAPSHOT_FLOOR
    variable_bytes: int = VARIABLE_BYTES
    run_log: Detail = "off"
    catalogue: Mapping[str, NodeType] = field(default_factory=lambda: CATALOGUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine, not started. `isolation` None: no run gets a process of its own."""

    worker: Worker
    use_cases: EngineUseCases
    publisher: EventPublisher
    channel: CommandChannel
    isolation: RunIsolation | None
    clock: Clock

    async def hear_wakes(self) -> None:
        """Nudge the runs that have commands, until cancelled."""
        await hear_wakes(self.channel, self.worker.nudge, self.clock)


def wire_engine(
    worker_id: UUID,
    stores: EngineStores,
    bus: MessageBus,
    channel: CommandChannel,
    options: EngineOptions,
    *,
    clock: Clock,
    layers: LayerStack,
    publisher: EventPublisher,
    processes: IsolatedProcesses | None = None,
    secrets: EnvironmentSecrets | None = None,
    on_end: Callable[[UUID], None],
    on_effect: OnEffect = uncounted,
) -> Engine:
    """`on_end` is told the tenant of every run that ended or was called: its outbox has something
    to send.
    Without `processes` no run is isolated, without `secrets` none that has some can run."""
    secrets = secrets or NoSecrets()
    workflows = _workflows(stores, options)
    lease = LeaseKeeper(stores.leases, worker_id, clock=clock, pace=options.lease)
    waker = RunWaker(channel, bus)

    async def ring(released: Sequence[Claim]) -> None:
        for claim in released:
            await ring_doorbell(bus, claim.tenant_id, claim.run_id, claim.epoch)

    isolation = None
    if processes is not None:
        isolation = RunIsolation(
            worker_id,
            IsolationPorts(
                runs=stores.runs, leases=stores.leases, processes=processes, clock=clock
            ),
            places=options.isolated,
            look=options.worker.sweep,
            on_release=ring,
        )
    effects = ObservedEffects(bus, clock=clock, may_send=lease.is_safe, on_effect=on_effect)
    children = ChildPorts(
        runs=stores.runs, workflows=workflows, waker=waker, clock=clock, on_child=on_end
    )
    drivers = _driver_ports(stores, publisher, effects, children, layers, options)
    carrier = RunCarrier(
        worker_id,
        _carrier_ports(stores, workflows, secrets, drivers),
        options.suspicion,
        apart=isolation.carry if isolation else None,
    )
    ports = WorkerPorts(
        runs=stores.runs,
        commands=stores.commands,
        leases=stores.leases,
        carrier=carrier,
        timers=TimerSweep(stores.parking, waker),
        clock=clock,
    )
    tools = KnownTools(bus, clock=clock)
    called = KnownWorkflows(workflows, tools)
    reports = WorkflowReports(workflows, tools, called)
    worker = Worker(worker_id, ports, options.worker, lease, on_release=ring, on_end=on_end)
    return Engine(
        worker=worker,
        use_cases=EngineUseCases(
            accept=AcceptRunUseCase(stores.runs, workflows, worker, bus),
            command=CommandRun(stores.commands, waker),
            forms=ReadForms(stores.forms),
            submit=SubmitFormUseCase(stores.forms, waker),
            plan_fork=PlanForkUseCase(stores.runs, stores.reader, workflows, tools, called),
            read=ReadRun(stores.runs, stores.reader, stores.snapshots, workflows, secrets),
            variables=ReadVariables(
                stores.conversations, workflows, stores.runs, stores.reader, secrets
            ),
            change_variable=ChangeVariableUseCase(
                stores.conversations, workflows, variable_bytes=options.variable_bytes
            ),
            forget=ForgetConversation(stores.conversations),
            register=RegisterWorkflowUseCase(stores.workflows, workflows, reports),
            validate=ValidateWorkflowUseCase(workflows, reports),
        ),
        publisher=publisher,
        channel=channel,
        isolation=isolation,
        clock=clock,
    )


def wire_lone_run(
    worker_id: UUID,
    claim: Claim,
    stores: EngineStores,
    bus: MessageBus,
    channel: CommandChannel,
    options: EngineOptions,
    *,
    clock: Clock,
    layers: LayerStack,
    publisher: EventPublisher,
    secrets: EnvironmentSecrets,
) -> LoneRun:
    """One run in a process of its own: `worker_id` owns `claim` already."""
    lease = LeaseKeeper(stores.leases, worker_id, clock=clock, pace=options.lease)
    effects = ObservedEffects(bus, clock=clock, may_send=lease.is_safe)
    workflows = _workflows(stores, options)
    waker = RunWaker(channel, bus)
    children = ChildPorts(
        runs=stores.runs,
        workflows=workflows,
        waker=waker,
        clock=clock,
        # The sweep of a worker's relay finds it.
        on_child=lambda _: None,
    )
    drivers = _driver_ports(stores, publisher, effects, children, layers, options)
    carrier = RunCarrier(
        worker_id,
        _carrier_ports(stores, workflows, secrets, drivers),
        options.suspicion,
        apart=None,
    )
    ports = LonePorts(
        carrier=carrier, commands=stores.commands, lease=lease, channel=channel, clock=clock
    )
    return LoneRun(claim, ports, look=options.worker.sweep)


def _driver_ports(
    stores: EngineStores,
    publisher: EventPublisher,
    effects: EffectDispatcher,
    children: ChildPorts,
    layers: LayerStack,
    options: EngineOptions,
) -> DriverPorts:
    clock = children.clock
    return DriverPorts(
        journal=stores.writer,
        publisher=publisher,
        effects=effects,
        clock=clock,
        snapshots=stores.snapshots,
        forms=stores.forms,
        timers=LoopTimers(clock),
        layers=layers,
        children=children,
        snapshot_floor=options.snapshot_floor,
        variable_bytes=options.variable_bytes,
    )


def _workflows(stores: EngineStores, options: EngineOptions) -> CompiledWorkflows:
    return CompiledWorkflows(
        stores.workflows, options.catalogue, variable_bytes=options.variable_bytes
    )


def _carrier_ports(
    stores: EngineStores,
    workflows: CompiledWorkflows,
    secrets: EnvironmentSecrets,
    drivers: DriverPorts,
) -> CarrierPorts:
    return CarrierPorts(
        runs=stores.runs,
        journal=stores.reader,
        snapshots=stores.snapshots,
        commands=stores.commands,
        conversations=stores.conversations,
        parking=stores.parking,
        workflows=workflows,
        secrets=secrets,
        drivers=drivers,
    )

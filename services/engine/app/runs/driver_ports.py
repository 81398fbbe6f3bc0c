"""What the drivers of runs need from outside."""

from dataclasses import dataclass

from libs.common.clock import Clock
from services.engine.app.effects.child_runs import ChildPorts
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.ports.form_store import FormStore
from services.engine.app.ports.journal_store import JournalWriter
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.runs.cut_snapshots import SNAPSHOT_FLOOR
from services.engine.app.runs.run_timers import LoopTimers
from services.engine.domain.layers.layer_stack import LayerStack
from services.engine.domain.variables.sizes import VARIABLE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPorts:
    """What all drivers of a worker share. `snapshot_floor`: see SnapshotCutter. `variable_bytes`
    are those of one conversation variable."""

    journal: JournalWriter
    publisher: EventPublisher
    effects: EffectDispatcher
    clock: Clock
    snapshots: SnapshotStore
    forms: FormStore
    timers: LoopTimers
    layers: LayerStack
    children: ChildPorts
    snapshot_floor: int = SNAPSHOT_FLOOR
    variable_bytes: int = VARIABLE_BYTES

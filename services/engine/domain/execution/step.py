"""What one advance of a run brought: facts to journal, and what to do once they are durable."""

from dataclasses import field
from uuid import UUID

from libs.common.contracts.child_runs import ChildCall
from libs.common.contracts.envelope import EffectClass
from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import HumanForm
from services.engine.domain.events.journal import JournalEvent
from services.engine.domain.node_parts.effects import SentEffect
from services.engine.domain.variables.record import mutable_record, record


@record
class Dispatch:
    """An effect to send. `key` and `request_hash` go into its envelope."""

    key: str
    node_id: str
    request: SentEffect
    effect_class: EffectClass
    request_hash: str


@record
class Delta:
    """Visible text ahead of its commit; `from_offset` counts code points of the run's text."""

    from_offset: int
    text: str
    node_id: str
    selector: tuple[str, ...]
    frame: str
    generation: str


@record
class Thought:
    """What a model thinks, for whoever listens now; never published again."""

    text: str
    node_id: str
    frame: str
    generation: str


@record
class Timer:
    """Call `timer_due(timer_id)` at instant `due`, Unix seconds."""

    timer_id: str
    due: float


@record
class Abort:
    """The command to stop a run; `reason` is what callers of the run are shown."""

    command_id: str
    reason: str


@record
class OpenForm:
    """Store the form of the effect `key`, for anybody to answer until instant `due`, and have
    `deliveries` tell of it."""

    form_id: UUID
    key: str
    node_id: str
    frame: str
    form: HumanForm
    due: float
    deliveries: tuple[FormDelivery, ...] = ()


@record
class StartChild:
    """Have the run `child_run_id` accepted, which the effect `key` calls."""

    child_run_id: UUID
    key: str
    node_id: str
    call: ChildCall


@record
class StopChild:
    """Nobody waits any more for the run, if there is one. `reason` is what callers are shown."""

    child_run_id: UUID
    reason: str


@mutable_record
class Step:
    """`events` are already applied to the state and are journalled in this order, together.

    Once all events up to and including these are durable, `dispatches` and `cancels` are sent,
    `forms` opened, those `withdrawn` taken back, `children` accepted, and `thoughts` and then
    `deltas` published. `stops` are stored with the events.
    `rests` not None: nothing of the run is under way, and it may be parked with these timers.
    `unsettled` True: more is to begin at once, and the machine's `go_on` begins it.
    `finished` True: the last event is RunFinished.
    """

    events: list[JournalEvent] = field(default_factory=list[JournalEvent])
    dispatches: list[Dispatch] = field(default_factory=list[Dispatch])
    timers: list[Timer] = field(default_factory=list[Timer])
    # What few steps have is not worth a list in each.
    thoughts: tuple[Thought, ...] = ()
    deltas: tuple[Delta, ...] = ()
    cancels: tuple[str, ...] = ()
    forms: tuple[OpenForm, ...] = ()
    withdrawn: tuple[UUID, ...] = ()
    children: tuple[StartChild, ...] = ()
    stops: tuple[StopChild, ...] = ()
    rests: list[Timer] | None = None
    unsettled: bool = False
    finished: bool = False

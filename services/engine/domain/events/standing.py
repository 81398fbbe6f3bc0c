"""Journal events of runs that stand still: forms shown to people, parking, and going on."""

from services.engine.domain.variables.record import record
from services.engine.domain.variables.values import Value


@record
class FormOpened:
    """The form that the effect `key` asks for is stored, so people may answer it. `form` is what it
    shows, as plain JSON; from instant `due` on nobody can answer any more."""

    at: float
    key: str
    node_id: str
    frame: str
    form_id: str
    form: dict[str, Value]
    due: float


@record
class FormClosed:
    """The form of the effect `key` was answered with `action`, or `timed_out`: nobody did."""

    at: float
    key: str
    node_id: str
    frame: str
    action: str
    inputs: dict[str, Value]
    actor: str | None = None
    timed_out: bool = False


@record
class ChildStarted:
    """The run that the effect `key` calls is accepted, so its end will be told."""

    at: float
    key: str
    node_id: str
    frame: str
    child_run_id: str


@record
class RunParked:
    """Nothing of the run is under way any more: it waits for people, or was paused for `reason`.
    The totals are those so far."""

    at: float
    reason: str | None
    total_tokens: int
    total_steps: int


@record
class RunResumed:
    """The run goes on. The time since it was parked does not count against its limit."""

    at: float

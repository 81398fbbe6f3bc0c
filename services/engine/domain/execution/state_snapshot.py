"""What a run's fold has built, as plain data that can be stored and taken up again."""

from services.engine.domain.events import journal
from services.engine.domain.execution.frame import FrameSnapshot, ReadyNode
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.response_coordinator import CoordinatorSnapshot
from services.engine.domain.execution.run_totals import RunTotalsSnapshot
from services.engine.domain.execution.standstill import Standstill
from services.engine.domain.variables.record import record


@record
class StateSnapshot:
    """`RunState` at one place in the journal. The values of secrets are not in its `frames`."""

    frames: list[FrameSnapshot]
    coordinator: CoordinatorSnapshot
    active: list[NodeProgress]
    ready: list[ReadyNode]
    resting: list[str]
    announced: dict[str, str]
    commands: list[str]
    standstill: Standstill
    totals: RunTotalsSnapshot
    steps: int
    exceptions: int
    failed: str | None
    stopped: str | None
    started: journal.RunStarted | None
    finished: journal.RunFinished | None

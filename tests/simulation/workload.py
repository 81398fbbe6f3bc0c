"""The runs of a round: small workflows whose ends are known."""

from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from libs.common.contracts.child_runs import PinnedWorkflow
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_limits import RunLimits
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.graph.node_labels import NodeLabel, node_labels
from tests.simulation.callee import WORDS
from tests.simulation.world import World
from tests.support.engine_nodes import TEST_CATALOGUE, chain

TENANT = UUID("00000000-0000-7000-8000-000000000001")
CALLED = UUID(int=999)
LONGEST_WAIT = 65.0
_STEP_SECONDS = 3600.0
_LIMITS = RunLimits(max_seconds=24 * 3600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A workflow, and the text that every run of it ends with. `calls` is the one that its nodes
    call, as `CALLED`."""

    definition: WorkflowDefinition
    content_hash: str
    labels: dict[str, NodeLabel]
    answer: str
    calls: "Sample | None" = None

    @property
    def pins(self) -> tuple[PinnedWorkflow, ...]:
        if self.calls is None:
            return ()
        pin = PinnedWorkflow(
            ref=str(CALLED),
            app_id=CALLED,
            version_id=CALLED,
            workflow_hash=self.calls.content_hash,
        )
        return (pin,)


def _sample(*nodes: dict[str, Any], answer: str = "", calls: Sample | None = None) -> Sample:
    definition = chain(*nodes)
    compiled = compile_workflow(definition, TEST_CATALOGUE)
    return Sample(
        definition=definition,
        content_hash=compiled.report.content_hash,
        labels=node_labels(definition),
        answer=answer,
        calls=calls,
    )


_CODE = {"type": "compute", "code": "made", "timeout": _STEP_SECONDS}
_ASK = {"type": "ask", "prompt": "hi"}
_SAID = "".join(WORDS)
_CALL = {"type": "sub-workflow", "app_id": str(CALLED)}
_MADE = {"type": "end", "outputs": [{"variable": "made", "value_selector": ["n1", "result"]}]}
_CHILD = _sample(_CODE, _MADE)
SAMPLES = (
    _sample({"type": "pass"}),
    _sample(_CODE),
    _sample(_CODE, {"type": "pass"}, _CODE, {"type": "show", "shows": "n3.result"}, answer="MADE"),
    _sample(_ASK, {"type": "show", "shows": "n1.text"}, answer=_SAID),
    _sample(_ASK, {"type": "show", "shows": "n1.text"}, _CODE, answer=_SAID),
    _sample({"type": "nap", "seconds": 2.0}, _CODE, {"type": "nap", "seconds": 1.0}),
    _sample(_CALL, {"type": "show", "shows": "n1.made"}, answer="MADE", calls=_CHILD),
    _sample(_CODE, _CALL, _ASK, {"type": "show", "shows": "n3.text"}, answer=_SAID, calls=_CHILD),
    # Long enough to be parked.
    _sample(_CODE, {"type": "nap", "seconds": LONGEST_WAIT}),
)


def drawn_run(world: World, apps: int, *, light: float | None) -> tuple[AcceptRun, Sample]:
    """A run of any of so many apps, of any sample; with `light` of the first one with this chance,
    else of any but the last, whose wait would outlast a large round."""
    random: Random = world.random
    if light is None:
        sample = random.choice(SAMPLES)
    else:
        sample = SAMPLES[0] if random.random() < light else random.choice(SAMPLES[1:-1])
    request = AcceptRun(
        tenant_id=TENANT,
        run_id=world.new_id(),
        app_id=UUID(int=random.randrange(1, apps + 1)),
        workflow_hash=sample.content_hash,
        limits=_LIMITS,
        sub_workflows=sample.pins,
    )
    return request, sample

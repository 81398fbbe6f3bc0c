"""A world in which people are asked, runs are paused, and parked ones wait as rows alone."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid5

from libs.common.contracts.forms import HumanAnswer
from libs.common.contracts.run_commands import AnswerForm, PauseRun, ResumeRun, RunCommand, TimerDue
from services.engine.domain.events import journal
from services.engine.domain.execution.step import OpenForm, Step, Timer
from tests.unit.engine.execution.random_graphs import RandomGraph
from tests.unit.engine.execution.simulated_world import RUN, TENANT, World

GO = "source"
"""The only action of a form that stands where an ordinary node did."""


def form(*actions: str, **more: Any) -> dict[str, Any]:
    """A human-input node's data."""
    return {
        "type": "human-input",
        "form_content": "Well?",
        "user_actions": [{"id": action, "title": action.upper()} for action in actions or (GO,)],
        **more,
    }


def with_forms(graph: RandomGraph) -> RandomGraph:
    """The graph with people in place of code."""
    for name, data in graph.nodes.items():
        if data["type"] == "compute":
            graph.nodes[name] = form()
            graph.failures.pop(name, None)
    return graph


@dataclass(slots=True)
class ParkedWorld(World):
    """`asked` are forms to be stored, `stored` the rows that people may answer, `seen` all that
    were ever asked for; `rests` the timers of a run of which nothing is under way."""

    asked: dict[str, OpenForm] = field(default_factory=dict[str, OpenForm])
    stored: dict[str, OpenForm] = field(default_factory=dict[str, OpenForm])
    seen: dict[str, OpenForm] = field(default_factory=dict[str, OpenForm])
    rests: list[Timer] | None = None
    sent: int = 0

    def crash(self) -> None:
        self.asked.clear()
        self.rests = None
        World.crash(self)

    def moves(self) -> list[str]:
        stores = [f"store {key}" for key in self.asked]
        return [*World.moves(self), *stores, *(f"answer {key}" for key in self.stored)]

    def happen(self, move: str) -> None:
        what, _, key = move.partition(" ")
        if not key:
            World.happen(self, move)
        elif what == "store":
            self._passed(move)
            self.stored[key] = self.asked.pop(key)
            self._take(self.machine.form_opened(key, self.now))
        else:
            self.answer(key)

    def answer(self, key: str, action: str = GO, **inputs: Any) -> None:
        """Somebody answers the form."""
        self._passed(f"answer {key}")
        del self.stored[key]
        answer = HumanAnswer(action=action, inputs=inputs, actor="ann")
        self.tell(AnswerForm(**self.address(), key=key, answer=answer))

    def time_out(self, key: str) -> None:
        """Nobody has answered the form."""
        form = self.stored.pop(key)
        self.now = form.due
        self.tell(TimerDue(**self.address(), timer="form", ref=key))

    def pause(self) -> None:
        self.tell(PauseRun(**self.address(), reason="wait"))

    def go_on(self) -> None:
        self.tell(ResumeRun(**self.address()))

    def tell(self, command: RunCommand) -> None:
        self._take(self.machine.obey(command, self.now))

    def address(self) -> dict[str, Any]:
        """What a new command carries."""
        self.sent += 1
        return {"tenant_id": TENANT, "run_id": RUN, "command_id": uuid5(RUN, str(self.sent))}

    def names(self) -> list[str]:
        """The events so far, by the names of their kinds."""
        return [type(event).__name__ for event in self.events]

    def _passed(self, move: str) -> None:
        self.now += 1.0
        self.order.append(move)

    def _take(self, step: Step) -> None:
        if step.events or step.rests is not None:
            self.rests = step.rests
        World._take(self, step)
        self.asked |= {asked.key: asked for asked in step.forms}
        self.seen |= self.asked
        for form_id in step.withdrawn:
            self.stored = {k: f for k, f in self.stored.items() if f.form_id != form_id}
        if self.rests is not None:
            assert not self.listening, "a run rests while a call is under way"
            assert not self.asked, "a run rests while a form is being stored"

    def paused_stretches(self) -> list[list[journal.JournalEvent]]:
        """What was recorded between each pause and its end."""
        found: list[list[journal.JournalEvent]] = []
        paused = False
        for event in self.events:
            if isinstance(event, journal.CommandApplied) and event.command == "pause":
                paused = True
                found.append([])
            elif isinstance(event, journal.CommandApplied) and event.command == "resume":
                paused = False
            elif paused:
                found[-1].append(event)
        return found

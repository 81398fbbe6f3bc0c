"""What keeps a run from going on, as its journal tells it."""

from dataclasses import field

from services.engine.domain.events import journal
from services.engine.domain.variables.record import changed, mutable_record


@mutable_record
class Standstill:
    """`paused` is the reason of a pause that was not lifted yet. `since` is the instant the run was
    parked at, None while it goes on; `idle` the seconds it was parked before. `forms` are the ids
    of the open forms by the key of their effect, `children` those of the runs that this one has
    called and whose end it has not heard of."""

    paused: str | None = None
    since: float | None = None
    idle: float = 0.0
    forms: dict[str, str] = field(default_factory=dict[str, str])
    children: dict[str, str] = field(default_factory=dict[str, str])

    def apply(
        self,
        event: journal.FormOpened
        | journal.FormClosed
        | journal.ChildStarted
        | journal.RunParked
        | journal.RunResumed,
    ) -> None:
        match event:
            case journal.FormOpened():
                self.forms[event.key] = event.form_id
            case journal.FormClosed():
                self.forms.pop(event.key, None)
            case journal.ChildStarted():
                self.children[event.key] = event.child_run_id
            case journal.RunParked():
                self.since = event.at
            case journal.RunResumed():
                if self.since is not None:
                    self.idle += max(event.at - self.since, 0.0)
                self.since = None

    def child_ended(self, event: journal.EffectCompleted) -> None:
        """While the child waited for people, so did whoever called it."""
        if self.children.pop(event.key, None) is None:
            return
        waited = event.result.get("waited_seconds") if isinstance(event.result, dict) else None
        if isinstance(waited, int | float):
            self.idle += max(waited, 0.0)

    def forget(self, key: str) -> None:
        """Nobody waits for the effect any more."""
        self.forms.pop(key, None)
        self.children.pop(key, None)

    def snapshot(self) -> "Standstill":
        """The same at this moment, which later changes leave alone."""
        return changed(self, forms={**self.forms}, children={**self.children})

    def restore(self, saved: "Standstill") -> None:
        self.paused, self.since, self.idle = saved.paused, saved.since, saved.idle
        self.forms, self.children = {**saved.forms}, {**saved.children}

"""All layers of an engine: guards fail closed, observers fail alone."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from services.engine.domain.events.journal import EffectDispatched, JournalEvent, NodeStarted
from services.engine.domain.layers.layer import (
    Beginning,
    FailRun,
    Guard,
    Listener,
    ObservedRun,
    Observer,
    Order,
    RunView,
)
from services.engine.domain.variables.record import record

OnFailure = Callable[[str, ObservedRun, Exception], None]
"""Hears which layer raised what, and on which run."""


@record
class Ordered:
    """What a layer ordered. `command_id` is that of the command it becomes: it is carried out
    once."""

    command_id: str
    order: Order


class Overruled(Exception):
    """What was about to begin does not: a guard has an order for the run."""

    def __init__(self, layer: str, order: Order) -> None:
        super().__init__(layer)
        self.layer = layer
        self.order = order


class Guards:
    """The guards of a run by what they watch; empty where none does."""

    __slots__ = ("_told", "of_effects", "of_nodes")

    def __init__(
        self, guards: Sequence[Guard] = (), told: Callable[[str, Exception], None] | None = None
    ) -> None:
        self._told = told
        self.of_nodes = tuple(each for each in guards if NodeStarted in each.watches)
        self.of_effects = tuple(each for each in guards if EffectDispatched in each.watches)

    def judge(self, guards: Sequence[Guard], event: Beginning, run: RunView) -> None:
        """Raises Overruled where one of `guards` has an order, or fails."""
        for guard in guards:
            try:
                order = guard.judge(event, run)
            except Exception as error:  # noqa: BLE001 - a guard that fails lets nothing pass
                if self._told is not None:
                    self._told(guard.name, error)
                order = FailRun(error=f"Layer {guard.name!r} failed, and nothing passes without it")
            if order is not None:
                raise Overruled(guard.name, order)


NO_GUARDS = Guards()


class Listeners:
    """The ears for one run, by the kind of event."""

    def __init__(
        self, ears: Sequence[tuple[str, Listener]], told: Callable[[str, Exception], None]
    ) -> None:
        self._told = told
        self._by_kind: defaultdict[type[JournalEvent], list[tuple[str, Listener]]]
        self._by_kind = defaultdict(list)
        for name, ear in ears:
            for kind in ear.hears:
                self._by_kind[kind].append((name, ear))

    def committed(
        self, first_seq: int, events: Sequence[JournalEvent], run: RunView
    ) -> Sequence[Ordered]:
        """Tell the events, of which the first is number `first_seq`; what is ordered, in turn."""
        found: list[Ordered] = []
        for seq, event in enumerate(events, first_seq):
            for name, ear in (*self._by_kind.get(type(event), ()),):
                order = self._heard(name, ear, seq, event, run)
                if order is not None:
                    found.append(Ordered(command_id=f"layer:{name}:{seq}", order=order))
        return found

    def _heard(
        self, name: str, ear: Listener, seq: int, event: JournalEvent, run: RunView
    ) -> Order | None:
        try:
            return ear.hear(seq, event, run)
        except Exception as error:  # noqa: BLE001 - an observer never touches the run
            self._mute(ear)
            self._told(name, error)
            return None

    def _mute(self, broken: Listener) -> None:
        for kind, ears in self._by_kind.items():
            self._by_kind[kind] = [each for each in ears if each[1] is not broken]


class LayerStack:
    """`on_failure` hears of every layer that raised, and must not raise itself."""

    def __init__(
        self, guards: Sequence[Guard], observers: Sequence[Observer], on_failure: OnFailure
    ) -> None:
        self._guards = guards
        self._observers = observers
        self._on_failure = on_failure

    def guards(self, run: ObservedRun) -> Guards:
        return Guards(self._guards, self._told(run))

    def listeners(self, run: ObservedRun) -> Listeners | None:
        """None where nobody listens to this run."""
        told = self._told(run)
        ears: list[tuple[str, Listener]] = []
        for observer in self._observers:
            try:
                ear = observer.listener(run)
            except Exception as error:  # noqa: BLE001 - an observer never touches the run
                told(observer.name, error)
                continue
            if ear is not None:
                ears.append((observer.name, ear))
        return Listeners(ears, told) if ears else None

    def _told(self, run: ObservedRun) -> Callable[[str, Exception], None]:
        return lambda layer, error: self._on_failure(layer, run, error)

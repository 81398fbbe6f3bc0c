"""Where readers of long runs left off, so that the next page does not begin at the first event."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.engine.domain.execution.public_events import ViewSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The view after the event numbered `place`. `secrets`: versions by name, as the run's first
    event has them; never a value."""

    place: int
    secrets: Mapping[str, int]
    view: ViewSnapshot


def beginning(secrets: Mapping[str, int]) -> Checkpoint:
    """Before the first event."""
    nothing = ViewSnapshot(begun=[], forms=[], text="", length=0, created_at=0.0, last_seq=0)
    return Checkpoint(place=0, secrets=secrets, view=nothing)


class ViewCheckpoints:
    """In memory only, and complete without any: a journal is only ever added to, so what is kept
    stays true. At most `runs` runs, the ones asked for last, with `each` checkpoints."""

    def __init__(self, *, runs: int = 256, each: int = 4) -> None:
        self._runs = runs
        self._each = each
        self._kept: OrderedDict[tuple[UUID, UUID], list[Checkpoint]] = OrderedDict()

    def before(self, tenant_id: UUID, run_id: UUID, seq: int) -> Checkpoint | None:
        """The newest at or below `seq`."""
        kept = self._kept.get((tenant_id, run_id), ())
        usable = [each for each in kept if each.place <= seq]
        return max(usable, key=lambda each: each.place, default=None)

    def keep(self, tenant_id: UUID, run_id: UUID, checkpoint: Checkpoint) -> None:
        key = (tenant_id, run_id)
        others = [each for each in self._kept.pop(key, []) if each.place != checkpoint.place]
        self._kept[key] = [*others, checkpoint][-self._each :]
        if len(self._kept) > self._runs:
            self._kept.popitem(last=False)

"""Reading one page of what a run's nodes did."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.contracts.run_queries import NodeTrace
from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.app.runs.public_page import MOST_BYTES, ROWS_AT_ONCE
from services.engine.app.runs.view_checkpoints import Checkpoint, ViewCheckpoints
from services.engine.domain.events.journal import ChildStarted, NodeStarted
from services.engine.domain.execution.public_events import PublicView, ToldEvent

_EVENTS_AT_ONCE = 500
"""Between looks at what else the loop has to do."""

_Place = tuple[str, str]


class TracePage:
    """The executions that began above `after_seq`, in that order, each told to its end: at most
    `most`, and of at most `most_bytes` of JSON unless there is only one. `more`: others follow.

    `place` is the newest event that `view` has seen, `secrets` what the run's first event names.
    """

    def __init__(
        self,
        view: PublicView,
        *,
        place: int,
        secrets: Mapping[str, int],
        after_seq: int,
        most: int,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._view = view
        self._place = place
        self._secrets = secrets
        self._after = after_seq
        self._most = most
        self._most_bytes = most_bytes
        self._nodes: dict[_Place, NodeTrace] = {}
        self._began: dict[_Place, int] = {}
        self._sizes: dict[_Place, int] = {}
        self._size = 0
        self._under_way: set[_Place] = set()
        self._next: Checkpoint | None = None
        self.more = False

    @property
    def nodes(self) -> tuple[NodeTrace, ...]:
        return tuple(self._nodes.values())

    @property
    def last_seq(self) -> int:
        """Where the next page begins."""
        return max(self._began.values(), default=self._after)

    async def read_on(
        self, journal: JournalReader, checkpoints: ViewCheckpoints, tenant_id: UUID, run_id: UUID
    ) -> None:
        """Fill the page from the journal as far as that goes."""
        while self._under_way or not self.more:
            entries = await journal.after(tenant_id, run_id, place=self._place, rows=ROWS_AT_ONCE)
            if not entries:
                break
            for first in range(0, len(entries), _EVENTS_AT_ONCE):
                self._take(entries[first : first + _EVENTS_AT_ONCE])
                await asyncio.sleep(0)
        if self._next is not None:
            checkpoints.keep(tenant_id, run_id, self._next)

    def _take(self, entries: Sequence[Entry]) -> None:
        for seq, event in entries:
            wanted = seq > self._after and isinstance(event, NodeStarted) and not self.more
            if wanted and len(self._nodes) >= self._most:
                self._close()
            told = self._view.tell(seq, event)
            self._place = seq
            if isinstance(event, ChildStarted):
                self._call(event)
            if told is None:
                continue
            match told["kind"]:
                case "node_started" if wanted and not self.more:
                    self._begin(told, seq)
                case "node_retrying":
                    self._retry(told)
                case "node_finished":
                    self._finish(told)
                case _:
                    pass

    def _close(self) -> None:
        self.more = True
        self._next = Checkpoint(
            place=self._place, secrets=self._secrets, view=self._view.snapshot(with_text=False)
        )

    def _begin(self, told: ToldEvent, seq: int) -> None:
        place = _place(told)
        self._began[place] = seq
        self._under_way.add(place)
        self._nodes[place] = NodeTrace.model_validate(
            {**told, "status": "running", "started_at": told["at"]}
        )

    def _retry(self, told: ToldEvent) -> None:
        place = _place(told)
        if place in self._nodes:
            retries = {"retries": told["retry_index"]}
            self._nodes[place] = self._nodes[place].model_copy(update=retries)

    def _call(self, event: ChildStarted) -> None:
        known = self._nodes.get((event.node_id, event.frame))
        if known is not None:
            called = {"child_runs": (*known.child_runs, UUID(event.child_run_id))}
            self._nodes[event.node_id, event.frame] = known.model_copy(update=called)

    def _finish(self, told: ToldEvent) -> None:
        place = _place(told)
        known = self._nodes.get(place)
        if known is None:
            return
        self._under_way.discard(place)
        ended = NodeTrace.model_validate(
            {**told, "retries": known.retries, "child_runs": known.child_runs}
        )
        tokens = ended.metadata.get("total_tokens", 0)
        if isinstance(tokens, int | float):
            ended = ended.model_copy(update={"total_tokens": int(tokens)})
        self._nodes[place] = ended
        self._sizes[place] = len(ended.model_dump_json())
        self._size += self._sizes[place]
        while len(self._nodes) > 1 and self._size > self._most_bytes:
            self._drop_last()

    def _drop_last(self) -> None:
        place, _ = self._nodes.popitem()
        del self._began[place]
        self._size -= self._sizes.pop(place, 0)
        self._under_way.discard(place)
        self.more = True


def _place(told: ToldEvent) -> _Place:
    return str(told["node_id"]), str(told["frame_path"])

"""Compare two runs of a tenant."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.run_queries import NodeTrace
from services.backend.app.runs.show_run import ShownRun, ShowRun
from services.backend.domain.runs.run_diff import NodeDiff, node_diffs
from services.backend.domain.runs.value_changes import ValueChanges, value_changes

MOST_NODES = 2000
"""Executions of nodes that are compared of each run."""

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """`changes` are those between what the runs were given and gave as a whole, below `/inputs`,
    `/outputs` and `/answer`. `whole` False: one has more nodes than are compared."""

    left: ShownRun
    right: ShownRun
    changes: ValueChanges
    nodes: list[NodeDiff]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRuns:
    show: ShowRun

    async def __call__(self, tenant_id: UUID, left_id: UUID, right_id: UUID) -> RunDiff:
        """Runs under way are compared as they are now. Raises NotFound, Unavailable."""
        left = await self.show(tenant_id, left_id)
        right = await self.show(tenant_id, right_id)
        ours, all_ours = await self._nodes(tenant_id, left_id)
        theirs, all_theirs = await self._nodes(tenant_id, right_id)
        return RunDiff(
            left=left,
            right=right,
            changes=value_changes(_told(left), _told(right)),
            nodes=[*node_diffs(ours, theirs)],
            whole=all_ours and all_theirs,
        )

    async def _nodes(self, tenant_id: UUID, run_id: UUID) -> tuple[list[NodeTrace], bool]:
        found: list[NodeTrace] = []
        after = 0
        while len(found) < MOST_NODES:
            page = await self.show.trace(tenant_id, run_id, after_seq=after, limit=_PAGE)
            if page is None:
                return found, True
            found.extend(page.nodes)
            after = page.last_seq
            if not page.more:
                return found, True
        return found, False


def _told(shown: ShownRun) -> dict[str, JsonValue]:
    ending = shown.run.ending
    return {
        "inputs": {**shown.run.acceptance.inputs},
        "outputs": {**ending.outputs} if ending else {},
        "answer": ending.answer if ending else "",
    }

"""Ids of node executions are ordinary UUIDv5, however they are made."""

from uuid import NAMESPACE_DNS, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from libs.common.identifiers import NodeExecutionIds, node_execution_id

_NAMESPACE = UUID("6f7b2f0e-51a5-4c64-9d0e-0f6f3f2f9c51")
_RUN = uuid5(NAMESPACE_DNS, "run")


@given(
    run_id=st.uuids(),
    node_id=st.text(st.characters(exclude_categories=["Cs"])),
    attempt=st.integers(0, 9),
)
def test_they_are_what_the_standard_says(run_id: UUID, node_id: str, attempt: int) -> None:
    expected = uuid5(_NAMESPACE, f"{run_id}/{node_id}//{attempt}")
    assert node_execution_id(run_id, node_id, "", attempt) == expected
    assert NodeExecutionIds(run_id).of(node_id, "", attempt) == str(expected)


def test_one_maker_makes_many() -> None:
    ids = NodeExecutionIds(_RUN)
    assert ids.of("a", "", 0) != ids.of("b", "", 0)
    assert ids.of("a", "", 0) == ids.of("a", "", 0)

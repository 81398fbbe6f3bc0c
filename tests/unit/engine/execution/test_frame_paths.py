"""Where a frame stands, written and read again."""

from hypothesis import given
from hypothesis import strategies as st

from services.engine.domain.execution.frame_paths import frame_path, is_within, rounds_of

PLACES = st.lists(st.tuples(st.text(), st.integers(0, 10**6)), max_size=4)


def _path(places: list[tuple[str, int]]) -> str:
    path = ""
    for container, index in places:
        path = frame_path(path, container, index)
    return path


@given(PLACES)
def test_a_path_can_be_read_again_and_is_one_part_of_a_key(places: list[tuple[str, int]]) -> None:
    assert rounds_of(_path(places)) == places
    assert "/" not in _path(places)


@given(PLACES, PLACES)
def test_a_frame_holds_what_its_path_begins(
    outer: list[tuple[str, int]], inner: list[tuple[str, int]]
) -> None:
    assert is_within(_path([*outer, *inner]), _path(outer))
    assert is_within(_path(inner), _path(outer)) == (inner[: len(outer)] == outer)

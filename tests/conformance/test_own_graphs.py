import pytest

from tests.conformance.case import Case
from tests.conformance.own_cases import own_cases
from tests.conformance.runner import Runner, check

pytestmark = pytest.mark.xdist_group("conformance")


@pytest.mark.parametrize("case", own_cases(), ids=lambda case: case.name)
def test_a_graph_does_what_its_case_says(case: Case, runner: Runner) -> None:
    check(case, runner.run(case))

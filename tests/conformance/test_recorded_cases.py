"""The folder that HEDDLE_CONFORMANCE_DIR names; without it this file is not collected."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.case import Case, missing_types
from tests.conformance.conftest import FOLDER
from tests.conformance.recorded_cases import recorded_cases
from tests.conformance.runner import Runner, check

pytestmark = pytest.mark.xdist_group("conformance")

_ALL = recorded_cases(Path(FOLDER or "."))
_RUNNABLE = [case for case in _ALL if not missing_types(case.document)]


@pytest.mark.parametrize("case", _RUNNABLE, ids=lambda case: case.name)
def test_a_recorded_case_comes_out_the_same(case: Case, runner: Runner) -> None:
    check(case, runner.run(case))


def test_what_is_left_out_is_counted(record_property: Callable[[str, object], None]) -> None:
    missing = Counter(kind for case in _ALL for kind in missing_types(case.document))
    left_out = len(_ALL) - len(_RUNNABLE)
    record_property("conformance", f"{left_out} of {len(_ALL)} left out for {dict(missing)}")
    assert _RUNNABLE, "the folder holds no case that can run"

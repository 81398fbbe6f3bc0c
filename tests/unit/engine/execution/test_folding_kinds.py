"""The fold knows every kind of journal event."""

import inspect
from typing import get_args, get_type_hints

from services.engine.domain.events.journal import EVENT_TYPES
from services.engine.domain.execution.run_state import RunState


def test_every_kind_of_event_is_folded() -> None:
    assert set(RunState.folds) == set(EVENT_TYPES)


def test_each_kind_stands_beside_a_method_that_takes_it() -> None:
    for kind, fold in RunState.folds.items():
        (_, event) = inspect.signature(fold).parameters
        taken = get_type_hints(fold)[event]
        assert kind in (taken, *get_args(taken)), f"{fold} does not take {kind.__name__}"

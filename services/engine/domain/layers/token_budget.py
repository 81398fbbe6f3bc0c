"""The tokens that a run's model calls may use."""

from services.engine.domain.events.journal import EffectDispatched
from services.engine.domain.layers.layer import Beginning, FailRun, Order, RunView

_MODEL = "model"


class TokenBudget:
    """Once the budget is used up no model call begins. Calls under way at that moment end, so side
    by side they may use more than it."""

    name = "token_budget"
    watches = (EffectDispatched,)

    def judge(self, event: Beginning, run: RunView) -> Order | None:
        budget = None if run.started is None else run.started.max_tokens
        if budget is None or not isinstance(event, EffectDispatched):
            return None
        if event.effect_class != _MODEL or run.model_tokens < budget:
            return None
        return FailRun(
            error=f"Token budget used up: node {event.node_id!r} asked for a model call when "
            f"{run.model_tokens} of {budget} tokens were used"
        )

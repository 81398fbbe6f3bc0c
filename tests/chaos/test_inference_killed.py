"""`kill -9` of inference with fifty runs under way: lost generations start over."""

from dataclasses import dataclass, field

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.database import CallRow
from tests.chaos.profile import rounds
from tests.chaos.recovery import Recovery
from tests.chaos.stage import Round, RoundResult, Stage
from tests.support.platform import Replica

pytestmark = pytest.mark.timeout(300)


@dataclass(slots=True)
class _Killing:
    """`recorded` are the keys whose result was on record when it died."""

    recorded: frozenset[str] = field(default_factory=frozenset[str])

    async def __call__(self, round_: Round) -> None:
        inference = round_.platform.replica("inference")
        # Frozen first: what is on record now is all that will be when it dies.
        inference.freeze()
        calls = await round_.database.calls()
        self.recorded = frozenset(call.key for call in calls if call.status == "done")
        round_.strike()
        inference.kill()
        await round_.start_again(inference)


@pytest.mark.parametrize("number", rounds(3 / 12))
async def test_a_lost_generation_starts_over(stage: Stage, recovery: Recovery, number: int) -> None:
    killing = _Killing()
    result = await stage.play("inference killed", number, killing)
    repeated = _check_calls(stage, result, killing.recorded)
    assert repeated == _counted_repeats(stage.platform.replica("inference"))
    recovery.add(
        "inference killed",
        recovered=[],
        ended=result.ended(),
        calls_taken_over=repeated,
        texts_withdrawn=result.replacements,
    )


def _check_calls(stage: Stage, result: RoundResult, recorded: frozenset[str]) -> int:
    """What was recorded was never asked again, and nothing was asked more often than claimed.
    Returns how many calls were taken over."""
    asked = result.round.load.calls(stage.upstream)
    prompt_of = result.round.load.prompt_of
    for call in result.calls:
        assert 1 <= asked[prompt_of(call)] <= call.claim_number
        if call.key in recorded:
            assert call.claim_number == 1, f"{call.key} was recorded and claimed again"
    return sum(_takeovers(call) for call in result.calls)


def _takeovers(call: CallRow) -> int:
    return call.claim_number - 1


def _counted_repeats(inference: Replica) -> int:
    """What the operator's metric says of this process."""
    text = httpx.get(f"{inference.url}/metrics").text
    for family in text_string_to_metric_families(text):
        if family.name == "heddle_keyed_calls_repeated":
            samples = [s.value for s in family.samples if s.name.endswith("_total")]
            return int(sum(samples))
    raise AssertionError("the metric is missing")

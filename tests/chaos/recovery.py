"""How quickly the platform recovered: a line a round, and a table of the victims."""

import statistics
from dataclasses import dataclass, field

_COLUMNS = (
    "victim",
    "rounds",
    "runs cut off",
    "ready again",
    "claimed again",
    "last run ended",
    "calls in the window",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTold:
    """One round. Seconds count from the strike: until its victim was `ready_again` (None for one
    that was not replaced), until the next owner had each run that lost its own (`claimed_again`),
    and until the end of each run that was `cut_off`. `window` is how many calls fell into the
    documented window, `withdrawn` how often text was withdrawn from a reader, `words` what the
    models had said when it struck."""

    number: int
    victim: str
    words: int
    ready_again: float | None
    claimed_again: list[float]
    cut_off: list[float]
    window: int
    withdrawn: int
    reconnections: int

    def line(self, seed: str) -> str:
        ready = "-" if self.ready_again is None else f"{self.ready_again:.2f} s"
        return (
            f"seed {seed} round {self.number} {self.victim}: struck after {self.words} words, "
            f"{len(self.cut_off)} runs cut off; ready again {ready}; "
            f"claimed again {_longest(self.claimed_again)} ({len(self.claimed_again)}); "
            f"last end {_longest(self.cut_off)}; in the window {self.window}; "
            f"withdrawn {self.withdrawn}; reconnections {self.reconnections}"
        )


@dataclass(slots=True)
class Recovery:
    """All rounds that were passed."""

    rounds: list[RoundTold] = field(default_factory=list[RoundTold])

    def lines(self) -> list[str]:
        """A table, ready for the documents."""
        victims = dict.fromkeys(told.victim for told in self.rounds)
        return [
            f"| {' | '.join(_COLUMNS)} |",
            "|---" * len(_COLUMNS) + "|",
            *(self._row(victim) for victim in victims),
        ]

    def _row(self, victim: str) -> str:
        told = [each for each in self.rounds if each.victim == victim]
        ready = [each.ready_again for each in told if each.ready_again is not None]
        claimed = [at for each in told for at in each.claimed_again]
        ended = [max(each.cut_off) for each in told if each.cut_off]
        cut_off = sum(len(each.cut_off) for each in told)
        window = sum(each.window for each in told)
        return (
            f"| {victim} | {len(told)} | {cut_off} | {_summary(ready)} | {_summary(claimed)} "
            f"| {_summary(ended)} | {window} |"
        )


def _longest(seconds: list[float]) -> str:
    return f"{max(seconds):.2f} s" if seconds else "-"


def _summary(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    return f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s"

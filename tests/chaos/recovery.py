"""How long runs had nobody, and how long they took to end, over all rounds."""

import statistics
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Times:
    rounds: int = 0
    recovered: list[float] = field(default_factory=list[float])
    ended: list[float] = field(default_factory=list[float])
    notes: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class Recovery:
    """Seconds from a kill to the next owner's claim, and to a run's end, by scenario."""

    _scenarios: dict[str, _Times] = field(default_factory=dict[str, _Times])

    def add(
        self, scenario: str, *, recovered: list[float], ended: list[float], **notes: int
    ) -> None:
        """One more round; `notes` are counts to sum up."""
        times = self._scenarios.setdefault(scenario, _Times())
        times.rounds += 1
        times.recovered += recovered
        times.ended += ended
        for name, count in notes.items():
            times.notes[name] = times.notes.get(name, 0) + count

    def lines(self) -> list[str]:
        """One line a scenario."""
        return [
            f"{name}: {times.rounds} rounds, {len(times.ended)} runs cut off; "
            f"claimed again {_summary(times.recovered)}; ended {_summary(times.ended)}"
            + "".join(f"; {note.replace('_', ' ')} {n}" for note, n in times.notes.items())
            for name, times in self._scenarios.items()
        ]


def _summary(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    return f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s"

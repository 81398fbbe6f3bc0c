"""How long calls took, by their name."""

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Times:
    """Seconds from asking to the answer, the wait for a place included."""

    seconds: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict[str, list[float]](list)
    )

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name].append(seconds)

    def lines(self) -> list[str]:
        """One a name: how many, the median and the longest in milliseconds."""
        return [
            f"{name:32} {len(taken):6} calls  p50 {_ms(sorted(taken)[len(taken) // 2]):>8}"
            f"  max {_ms(max(taken)):>8}"
            for name, taken in self.seconds.items()
        ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

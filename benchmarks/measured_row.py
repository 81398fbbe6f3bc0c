"""One line of a benchmark's result."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """`heddle` and `floor` are medians in `unit`. `bound` is the largest multiple of the floor that
    is promised; without a floor it is the largest value itself. None: nothing is promised.
    """

    benchmark: str
    row: str
    unit: str
    heddle: float
    floor: float | None = None
    floor_is: str = ""
    bound: float | None = None
    peers: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def ratio(self) -> float | None:
        """How many times the floor."""
        return self.heddle / self.floor if self.floor else None

    def holds(self, tolerance: float = 1.0) -> bool:
        """Whether the promise holds, its bound widened by `tolerance`."""
        if self.bound is None:
            return True
        reached = self.heddle if self.ratio is None else self.ratio
        return reached <= self.bound * tolerance

    def to_json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "ratio": round(self.ratio, 3) if self.ratio is not None else None,
            "holds": self.holds(),
        }

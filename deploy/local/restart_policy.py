"""How long to wait before a crashed process is started again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Delays double from `first` to `ceiling`; a process that lived `healthy_after` starts over.

    All in seconds.
    """

    first: float = 0.2
    ceiling: float = 15.0
    healthy_after: float = 30.0

    def delay(self, crashes: int) -> float:
        """The wait after the `crashes`-th crash in a row, from 1."""
        return min(self.first * 2.0 ** min(crashes - 1, 30), self.ceiling)

    def crashes_in_a_row(self, before: int, lived: float) -> int:
        """The count after a crash of a process that lived `lived` seconds."""
        return 1 if lived >= self.healthy_after else before + 1

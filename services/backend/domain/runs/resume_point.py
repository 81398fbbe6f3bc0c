"""How far a client has read: the `<seq>.<offset>` of an event id."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"^(\d{1,12})\.(\d{1,12})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """`seq` is the last public event seen, `offset` the length of the visible text held."""

    seq: int = 0
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.seq}.{self.offset}"


START = ResumePoint()


def parse_resume_point(text: str) -> ResumePoint | None:
    """The point that `Last-Event-ID` names, None when it has another form."""
    matched = _FORM.match(text.strip())
    if matched is None:
        return None
    return ResumePoint(seq=int(matched[1]), offset=int(matched[2]))

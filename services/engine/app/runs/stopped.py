"""How driving a run can come to its end."""

from enum import Enum


class Stopped(Enum):
    """Why a driver stopped. ENDED: the terminal event is committed. LOST: the run has another
    owner or has ended elsewhere. FAULT: this version cannot go on with it. INCOMPATIBLE: another
    version might. UNFIT: one event is not for the journal, for what it contains. MISLED: nothing
    can be begun from its snapshot, and the journal is left to try. LET_GO: we were told to.
    RESTING: nothing of the run is under way. PARKED: and it was released."""

    ENDED = "ended"
    LOST = "lost"
    FAULT = "fault"
    INCOMPATIBLE = "incompatible"
    MISLED = "misled"
    UNFIT = "unfit"
    LET_GO = "let_go"
    RESTING = "resting"
    PARKED = "parked"

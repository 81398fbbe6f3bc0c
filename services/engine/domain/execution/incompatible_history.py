"""What makes a journal unfit for today's code."""

from libs.common.errors import PlatformFault


class IncompatibleHistory(PlatformFault):
    """Today's code asks for something else than the journal says was asked: the run must not go
    on under this version."""

    code = "history_incompatible"
    title = "Another version of Heddle must go on with the run"
    retryable = False

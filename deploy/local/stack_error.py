"""What can go wrong on the way to a running stack."""

from libs.common.errors import PlatformFault


class LocalStackError(PlatformFault):
    """The embedded stack cannot start or continue; `remedy` is what the operator can do."""

    code = "local_stack"
    title = "The local stack cannot run"

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.remedy = remedy

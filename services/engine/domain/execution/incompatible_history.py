"""What makes a journal unfit for today's code."""


class IncompatibleHistory(Exception):
    """Today's code asks for something else than the journal says was asked: the run must not go
    on under this version."""

"""How much work one rendering may do. Counted, so that it is the same on every machine."""

MAX_STEPS = 500_000
MAX_PRODUCED = 16_000_000
MAX_OUTPUT = 400_000
MAX_INTEGER_BITS = 4096


class TemplateFailed(ValueError):
    """A template that cannot be rendered with these values. `error_type` is shown to the graph."""

    def __init__(self, message: str, error_type: str = "TemplateError") -> None:
        super().__init__(message)
        self.error_type = error_type


class TemplateTooExpensive(TemplateFailed):
    """The rendering needs more than its budget."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "TemplateLimitError")


class Budget:
    """What is left: steps (statements, items looked at) and characters produced on the way."""

    __slots__ = ("_characters", "_steps")

    def __init__(self, steps: int = MAX_STEPS, characters: int = MAX_PRODUCED) -> None:
        self._steps = steps
        self._characters = characters

    def spend(self, steps: int) -> None:
        """Raises TemplateTooExpensive. Call before the work is done."""
        self._steps -= steps
        if self._steps < 0:
            raise TemplateTooExpensive("The template needs more steps than it may take.")

    def produce(self, characters: int) -> None:
        """Raises TemplateTooExpensive. Call before the text is made."""
        self._characters -= characters
        if self._characters < 0:
            raise TemplateTooExpensive("The template produces more text than it may.")

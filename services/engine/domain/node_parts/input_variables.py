"""Named inputs of a node: `variables: [{variable, value_selector}]`."""

from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Missing, Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class InputVariables:
    """`bindings` pairs the name inside the node with where its value comes from."""

    bindings: tuple[tuple[str, Selector | None], ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(selector for _, selector in self.bindings if selector is not None)

    def read(self, variables: VariableReader) -> dict[str, Value]:
        """The values by name; a variable that does not exist is null."""
        found: dict[str, Value] = {}
        for name, selector in self.bindings:
            value = None if selector is None else variables.get(selector)
            found[name] = None if isinstance(value, Missing) else value
        return found


def parse_input_variables(settings: SettingsReader, name: str = "variables") -> InputVariables:
    bindings: list[tuple[str, Selector | None]] = []
    for item in settings.items(name):
        variable = item.text("variable", required=True)
        # The editor stores a row that nobody filled in with an empty selector: it reads as null.
        selector = item.selector("value_selector", required=False)
        if variable:
            bindings.append((variable, selector))
    return InputVariables(bindings=tuple(bindings))

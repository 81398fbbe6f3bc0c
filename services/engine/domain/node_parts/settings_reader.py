"""Reads a node's configuration, which may hold anything, and remembers what is wrong with it."""

from collections.abc import Mapping

from services.engine.domain.node_parts.node_contract import Problem
from services.engine.domain.variables.selectors import parse_selector
from services.engine.domain.variables.values import Selector, Value

WRONG_TYPE = "wrong_type"
MISSING_FIELD = "missing_field"


class SettingsReader:
    """One level of a configuration. `null` means "not given" everywhere.

    Readers of nested levels share the list of problems; a problem's field is a dotted path.
    """

    __slots__ = ("_data", "_path", "_problems")

    def __init__(
        self, data: Mapping[str, Value], path: str = "", problems: list[Problem] | None = None
    ) -> None:
        self._data = data
        self._path = path
        self._problems: list[Problem] = [] if problems is None else problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    def field(self, name: str) -> str:
        """The full path of `name`."""
        return f"{self._path}.{name}" if self._path else name

    def report(self, code: str, message: str, name: str) -> None:
        self._problems.append(Problem(code=code, message=message, field=self.field(name)))

    def warn(self, code: str, message: str, name: str) -> None:
        """Report what may go wrong at run time and forbids nothing."""
        problem = Problem(code=code, message=message, field=self.field(name), severity="warning")
        self._problems.append(problem)

    def has(self, name: str) -> bool:
        return self._data.get(name) is not None

    def raw(self, name: str) -> Value:
        return self._data.get(name)

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        """A string; numbers and booleans are written out."""
        value = self._data.get(name)
        if value is None or value == "":
            if required:
                self.report(MISSING_FIELD, "must not be empty", name)
            return default if value is None else ""
        if isinstance(value, (dict, list)):
            self.report(WRONG_TYPE, "must be text", name)
            return default
        return value if isinstance(value, str) else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._data.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        self.report(WRONG_TYPE, "must be true or false", name)
        return default

    def number(self, name: str) -> float | None:
        """None where it is not given."""
        value = self._data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.report(WRONG_TYPE, "must be a number", name)
            return None
        return value

    def section(self, name: str) -> "SettingsReader":
        """The mapping under `name`, an empty one where it is not given."""
        value = self._data.get(name)
        if value is not None and not isinstance(value, dict):
            self.report(WRONG_TYPE, "must be an object", name)
        nested = value if isinstance(value, dict) else {}
        return SettingsReader(nested, self.field(name), self._problems)

    def mapping(self, name: str) -> dict[str, Value]:
        value = self._data.get(name)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.report(WRONG_TYPE, "must be an object", name)
        return {}

    def items(self, name: str) -> tuple["SettingsReader", ...]:
        """One reader an element of a list of objects."""
        value = self._data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.report(WRONG_TYPE, "must be a list", name)
            return ()
        readers: list[SettingsReader] = []
        for position, item in enumerate(value):
            if isinstance(item, dict):
                path = self.field(f"{name}.{position}")
                readers.append(SettingsReader(item, path, self._problems))
            else:
                self.report(WRONG_TYPE, "must be an object", f"{name}.{position}")
        return tuple(readers)

    def selector(self, name: str, *, required: bool = True) -> Selector | None:
        """None where it is not given; an empty list counts as not given."""
        value = self._data.get(name)
        if value is None or value == []:
            if required:
                self.report(MISSING_FIELD, "must name a variable", name)
            return None
        selector = parse_selector(value)
        if selector is None:
            self.report(WRONG_TYPE, "must be a list of a node id and a variable name", name)
        return selector

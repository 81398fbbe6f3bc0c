"""Answers that must be JSON of a given shape. The one place that knows jsonschema."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError, ValidationError

# The stubs leave one argument of `extend` open.
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry
from referencing.exceptions import Unresolvable

from libs.common.contracts.chat import JsonSchemaFormat
from services.engine.domain.node_parts.json_repairing import NotJson, read_json
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Value


def _left_to_the_model(*_: object) -> tuple[()]:
    return ()


def _additional(
    validator: Any, allowed: Any, value: Any, schema: dict[str, Any]
) -> Iterable[ValidationError]:
    if "patternProperties" in schema:
        return ()
    return Draft7Validator.VALIDATORS["additionalProperties"](validator, allowed, value, schema)


# A pattern is the author's regular expression over the model's text: its time has no bound, so it
# is left to the model's own schema enforcement, and so is what properties it leaves over.
_Validator: type[Draft7Validator] = extend(  # pyright: ignore[reportUnknownVariableType]
    Draft7Validator,
    {
        "pattern": _left_to_the_model,
        "patternProperties": _left_to_the_model,
        "additionalProperties": _additional,
    },
)


# A schema must not make the engine fetch another one.
_NO_DOCUMENTS: Registry[Any] = Registry()


class StructuredOutputInvalid(ValueError):
    """The answer is not JSON, or not of the asked shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredOutput:
    schema: dict[str, Value]

    @property
    def response_format(self) -> JsonSchemaFormat:
        return JsonSchemaFormat(name="structured_output", json_schema=self.schema)

    def read(self, text: str) -> dict[str, Value]:
        """The object that `text` holds. Raises StructuredOutputInvalid."""
        try:
            value = read_json(text)
        except NotJson as error:
            raise StructuredOutputInvalid(f"Failed to parse structured output: {error}") from error
        if not isinstance(value, dict):
            raise StructuredOutputInvalid(f"Failed to parse structured output: {text}")
        validator = _Validator(self.schema, registry=_NO_DOCUMENTS)
        try:
            wrong = _first_error(validator, value)
        except (Unresolvable, RecursionError) as error:
            raise StructuredOutputInvalid(f"The schema cannot be applied: {error}") from error
        if wrong is not None:
            raise StructuredOutputInvalid(f"Failed to parse structured output: {wrong.message}")
        return value


def _first_error(validator: Draft7Validator, value: Value) -> ValidationError | None:
    # The stubs leave a deprecated overload's argument open.
    errors = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    return next(errors, None)


def parse_structured_output(settings: SettingsReader) -> StructuredOutput | None:
    """None where the node answers in free text."""
    enabled = settings.flag("structured_output_switch_on") or settings.flag(
        "structured_output_enabled"
    )
    if not enabled:
        return None
    output = settings.section("structured_output")
    schema = output.mapping("schema")
    if not schema:
        output.report("missing_field", "must hold a JSON Schema", "schema")
        return None
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        output.report("invalid_schema", error.message, "schema")
        return None
    return StructuredOutput(schema=schema)

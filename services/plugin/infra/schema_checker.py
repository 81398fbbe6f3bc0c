"""JSON Schema 2020-12 through `jsonschema`."""

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from pydantic import JsonValue

from libs.common.errors import ErrorDetail
from services.plugin.domain.errors import BundleInvalid

_MAX_MISTAKES = 20


class JsonSchemaChecker:
    """Checks values against one schema, which is compiled once."""

    def __init__(self, schema: dict[str, JsonValue], *, place: str) -> None:
        """`place` names the schema in the BundleInvalid that a broken one raises."""
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as cause:
            msg = f"{place}: {cause.message}"
            raise BundleInvalid(msg) from cause
        self._validator: Validator = Draft202012Validator(schema)

    def check(self, value: JsonValue) -> tuple[ErrorDetail, ...]:
        """See SchemaChecker.check; at most the first twenty places."""
        found = list(self._validator.iter_errors(value))
        return tuple(
            ErrorDetail(pointer=_pointer(error), message=error.message)
            for error in found[:_MAX_MISTAKES]
        )


def _pointer(error: ValidationError) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path)
    return "".join(f"/{part}" for part in parts)

"""JSON Schema as a port, so that the application layer stays free of the library."""

from typing import Protocol

from pydantic import JsonValue

from libs.common.errors import ErrorDetail


class SchemaChecker(Protocol):
    def check(self, value: JsonValue) -> tuple[ErrorDetail, ...]:
        """Every place where `value` does not fit the schema; empty when it fits."""
        ...

"""What is used of schemathesis, which leaves the parameters of its own types open."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import requests
import schemathesis
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

AS_DOCUMENTED: object = response_schema_conformance
"""The check that an answer is what the document says of its status."""


class Answer(Protocol):
    """`headers` maps lower-case names to all values of that name."""

    status_code: int
    content: bytes
    headers: Mapping[str, Sequence[str]]

    def json(self) -> object: ...


class DrawnRequest(Protocol):
    def call(
        self,
        base_url: str,
        session: requests.Session,
        headers: dict[str, str],
        *,
        timeout: float,
    ) -> Answer: ...

    def validate_response(self, response: Answer, checks: list[object]) -> None: ...

    def as_curl_command(self) -> str: ...


class Operation(Protocol):
    """`label` is method and path, `path` as the document has it."""

    label: str
    path: str

    def as_strategy(
        self, generation_mode: GenerationMode, *, path_parameters: dict[str, str] | None = None
    ) -> SearchStrategy[DrawnRequest]: ...


def operations(document: dict[str, Any]) -> list[Operation]:
    """All operations of an OpenAPI document."""
    schema = cast("Any", schemathesis.openapi.from_dict(document))
    return [found.ok() for found in schema.get_all_operations()]

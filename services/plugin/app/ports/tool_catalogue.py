"""The tools that are loaded now."""

from dataclasses import dataclass
from typing import Protocol

from services.plugin.app.ports.schema_checker import SchemaChecker
from services.plugin.domain.tool_context import ToolHandler
from services.plugin.domain.tools.sheets import ToolSheet


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedTool:
    """A tool ready to be called; `id` is `bundle/tool`."""

    id: str
    sheet: ToolSheet
    handler: ToolHandler
    input_checker: SchemaChecker
    output_checker: SchemaChecker


class ToolCatalogue(Protocol):
    def find(self, tool_id: str) -> LoadedTool:
        """By its id or another of its names. Raises ToolUnknown with the nearest names."""
        ...

    def all(self) -> tuple[LoadedTool, ...]:
        """Every tool, bundle by bundle."""
        ...

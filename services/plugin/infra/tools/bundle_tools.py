"""Built-in bundles, read from their folders."""

import difflib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from services.plugin.app.ports.tool_catalogue import LoadedTool
from services.plugin.domain.errors import BundleInvalid, ToolUnknown
from services.plugin.domain.tool_context import ToolHandler
from services.plugin.domain.tools.sheets import BundleSheet, ToolSheet
from services.plugin.infra.schema_checker import JsonSchemaChecker

Sheet = TypeVar("Sheet", bound=BaseModel)


class BundleTools:
    """Every tool of every bundle below `folder`; see ToolCatalogue."""

    def __init__(self, folder: Path) -> None:
        self._tools = {tool.id: tool for tool in _load_all(folder)}
        self._named = _by_every_name(self._tools.values())

    def find(self, tool_id: str) -> LoadedTool:
        tool = self._named.get(tool_id)
        if tool is None:
            near = difflib.get_close_matches(tool_id, self._named, n=3, cutoff=0.4)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            msg = f"no tool `{tool_id}` (names are `bundle/tool`){hint}"
            raise ToolUnknown(msg)
        return tool

    def all(self) -> tuple[LoadedTool, ...]:
        return tuple(self._tools.values())


def _by_every_name(tools: Iterable[LoadedTool]) -> dict[str, LoadedTool]:
    named: dict[str, LoadedTool] = {}
    for tool in tools:
        for name in (tool.id, *tool.sheet.also_known_as):
            if name in named:
                msg = f"`{name}` names both `{named[name].id}` and `{tool.id}`"
                raise BundleInvalid(msg)
            named[name] = tool
    return named


def _load_all(folder: Path) -> list[LoadedTool]:
    return [
        tool
        for directory in sorted(p for p in folder.iterdir() if (p / "bundle.yaml").is_file())
        for tool in _load_bundle(directory)
    ]


def _load_bundle(directory: Path) -> list[LoadedTool]:
    bundle = _read(directory / "bundle.yaml", BundleSheet)
    if bundle.id != directory.name:
        msg = f"{directory / 'bundle.yaml'}: id: `{bundle.id}` is not the folder's name"
        raise BundleInvalid(msg)
    return [_load_tool(directory, bundle.id, name) for name in bundle.tools]


def _load_tool(directory: Path, bundle_id: str, name: str) -> LoadedTool:
    path = directory / f"{name}.yaml"
    sheet = _read(path, ToolSheet)
    if sheet.id != name:
        msg = f"{path}: id: `{sheet.id}` is not the file's name"
        raise BundleInvalid(msg)
    return LoadedTool(
        id=f"{bundle_id}/{sheet.id}",
        sheet=sheet,
        handler=_handler(directory / f"{name}.py", bundle_id, name),
        input_checker=JsonSchemaChecker(sheet.input_schema, place=f"{path}: input_schema"),
        output_checker=JsonSchemaChecker(sheet.output_schema, place=f"{path}: output_schema"),
    )


def _handler(path: Path, bundle_id: str, name: str) -> ToolHandler:
    spec = importlib.util.spec_from_file_location(f"heddle_bundle_{bundle_id}_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        msg = f"{path}: the handler is missing"
        raise BundleInvalid(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = getattr(module, "run", None)
    if not callable(run):
        msg = f"{path}: a handler needs a coroutine `run(arguments, context)`"
        raise BundleInvalid(msg)
    return cast("ToolHandler", run)


def _read(path: Path, shape: type[Sheet]) -> Sheet:
    try:
        content: Any = yaml.safe_load(path.read_text())  # whatever it holds; the sheet checks it
        return shape.model_validate(content)
    except FileNotFoundError as cause:
        msg = f"{path}: the file is missing"
        raise BundleInvalid(msg) from cause
    except yaml.YAMLError as cause:
        msg = f"{path}: {' '.join(str(cause).split())}"
        raise BundleInvalid(msg) from cause
    except ValidationError as cause:
        first = cause.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        msg = f"{path}: {field}: {first['msg']}"
        raise BundleInvalid(msg) from cause

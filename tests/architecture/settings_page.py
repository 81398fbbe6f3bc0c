"""The tables of docs/guides/settings.md, rendered from the settings themselves.

`python -m tests.architecture.settings_page` writes them into the page.
"""

import ast
import inspect
import re
from pathlib import Path

from pydantic.fields import FieldInfo

from libs.common.service_settings import ServiceSettings
from services.backend.settings import BackendSettings
from services.engine.settings import EngineSettings
from services.inference.settings import InferenceSettings
from services.plugin.settings import PluginSettings
from tests.architecture.source_tree import ROOT

PAGE = ROOT / "docs" / "guides" / "settings.md"
KINDS: dict[str, type[ServiceSettings]] = {
    "every service": ServiceSettings,
    "backend": BackendSettings,
    "inference": InferenceSettings,
    "plugin": PluginSettings,
    "engine": EngineSettings,
}


def meanings(kind: type[ServiceSettings]) -> dict[str, str]:
    """What the string below each field of `kind` says of it; "" where there is none."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    last = None
    for statement in body.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name], last = "", name
            case ast.Expr(value=ast.Constant(value=str(told))) if last is not None:
                found[last], last = " ".join(told.split()), None
            case _:
                last = None
    return found


def variable(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"HEDDLE_{name.upper()}"


def table(kind: type[ServiceSettings]) -> str:
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    for name, meaning in meanings(kind).items():
        field = kind.model_fields[name]
        rows.append(f"| `{variable(name, field)}` | {meaning} | {_default(field)} |")
    return "\n".join(rows)


def rendered(page: str) -> str:
    """`page` with the table below each heading that names one of KINDS as it should be."""
    for title, kind in KINDS.items():
        pattern = re.compile(rf"(?m)^(## {title}\n\n)(?:\|.*\n)*", re.IGNORECASE)
        shown = table(kind)
        page, count = pattern.subn(lambda head, shown=shown: f"{head[1]}{shown}\n", page)
        assert count == 1, f"one heading `## {title}`"
    return page


def _default(field: FieldInfo) -> str:
    default: object = field.default
    if field.is_required():
        return "must be set"
    if default is None or default == ():
        return "none"
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        default = default.relative_to(ROOT)
    return f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

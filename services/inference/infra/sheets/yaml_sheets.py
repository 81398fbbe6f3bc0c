"""Sheets read from a folder of YAML: a folder a vendor, `provider.yaml` and `models.yaml`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from services.inference.domain.catalogue.catalogue import Catalogue, Vendor
from services.inference.domain.catalogue.sheets import ModelsSheet, ProviderSheet
from services.inference.infra.wires.catalogue import WIRE_NAMES

Sheet = TypeVar("Sheet", bound=BaseModel)
_Marks = dict[tuple[str | int, ...], int]


class SheetsInvalid(Exception):
    """Every mistake found in the folder, each as `file:line: field: what`."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def load_catalogue(folder: Path) -> Catalogue:
    """All sheets of `folder`, validated as a whole. Raises SheetsInvalid."""
    mistakes: list[str] = []
    vendors: list[Vendor] = []
    for directory in sorted(p for p in folder.iterdir() if (p / "provider.yaml").is_file()):
        provider = _read(directory / "provider.yaml", ProviderSheet, mistakes)
        models = _read(directory / "models.yaml", ModelsSheet, mistakes)
        if provider is None or models is None:
            continue
        mistakes.extend(_cross_checks(directory, provider, models))
        vendors.append(
            Vendor(provider=provider, models={sheet.id: sheet for sheet in models.models})
        )
    if mistakes:
        raise SheetsInvalid(mistakes)
    return Catalogue(vendors)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when any sheet does: names, modification times and sizes."""
    found = sorted(folder.glob("*/*.yaml"))
    stats = ((path, path.stat()) for path in found)
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def _cross_checks(directory: Path, provider: ProviderSheet, models: ModelsSheet) -> Iterable[str]:
    if provider.id != directory.name:
        yield f"{directory / 'provider.yaml'}: id: `{provider.id}` is not the folder's name"
    if provider.wire not in WIRE_NAMES:
        known = ", ".join(WIRE_NAMES)
        yield f"{directory / 'provider.yaml'}: wire: `{provider.wire}` is none of {known}"
    seen: set[str] = set()
    for sheet in models.models:
        if sheet.id in seen:
            yield f"{directory / 'models.yaml'}: models: `{sheet.id}` stands twice"
        seen.add(sheet.id)


def _read(path: Path, shape: type[Sheet], mistakes: list[str]) -> Sheet | None:
    try:
        text = path.read_text()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content: Any = yaml.safe_load(text)  # whatever the file holds; the sheet checks it
    except FileNotFoundError:
        mistakes.append(f"{path}: the file is missing")
        return None
    except yaml.YAMLError as cause:
        mistakes.append(f"{path}: {' '.join(str(cause).split())}")
        return None
    try:
        return shape.model_validate(content)
    except ValidationError as cause:
        marks: _Marks = {}
        if node is not None:
            _collect_marks(node, (), marks)
        for error in cause.errors():
            place = tuple(error["loc"])
            field = ".".join(str(part) for part in place)
            mistakes.append(f"{path}:{_line(place, marks)}: {field}: {error['msg']}")
    return None


def _line(place: tuple[str | int, ...], marks: _Marks) -> int:
    while place and place not in marks:
        place = place[:-1]
    return marks.get(place, 1)


def _collect_marks(node: yaml.Node, place: tuple[str | int, ...], marks: _Marks) -> None:
    marks[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _collect_marks(value, (*place, str(key.value)), marks)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_marks(value, (*place, index), marks)

"""What stands in a folder of many of a kind stands in its catalogue."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, imports, modules, relative, tree

NODES = ROOT / "services/engine/domain/nodes"
WIRES = ROOT / "services/inference/infra/wires"
PROVIDERS = ROOT / "services/inference/providers"
BUNDLES = ROOT / "services/plugin/bundles"


def catalogued(folder: Path) -> set[str]:
    """The siblings that a folder's catalogue imports."""
    package = relative(folder).replace("/", ".")
    names = (name for name in imports(folder / "catalogue.py") if name.startswith(package))
    return {name.removeprefix(f"{package}.").partition(".")[0] for name in names}


def test_every_node_type_is_catalogued() -> None:
    folder = {
        path.name.removesuffix(".py")
        for path in NODES.iterdir()
        if not path.name.startswith("__") and path.name != "catalogue.py"
    }
    assert catalogued(NODES) == folder


@pytest.mark.parametrize("folder", [NODES, WIRES], ids=["nodes", "wires"])
def test_catalogued_siblings_are_mutually_blind(folder: Path) -> None:
    package = relative(folder).replace("/", ".")
    listed = catalogued(folder)
    wrong = [
        f"{relative(path)}: {name}"
        for sibling in listed
        for path in modules(relative(folder))
        if path.stem == sibling
        for name in imports(path)
        if name.startswith(f"{package}.")
        and name.removeprefix(f"{package}.").partition(".")[0]
        in (listed | {"catalogue"}) - {sibling}
    ]
    assert wrong == []


def test_every_wire_of_a_provider_is_catalogued() -> None:
    """Sheets name wires; the catalogue is a dict literal whose keys are their names."""
    keys = {
        key.value
        for node in ast.walk(tree(WIRES / "catalogue.py"))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    named = {
        line.partition(":")[2].strip()
        for sheet in PROVIDERS.glob("*/provider.yaml")
        for line in sheet.read_text(encoding="utf-8").splitlines()
        if line.startswith("wire:")
    }
    assert named
    assert named <= keys


def test_bundles_import_only_the_tool_context() -> None:
    wrong = [
        f"{relative(path)}: {name}"
        for path in modules(relative(BUNDLES))
        for name in imports(path)
        if name.startswith(("services.", "libs.", "cli.", "deploy."))
        and name != "services.plugin.domain.tool_context"
    ]
    assert wrong == []

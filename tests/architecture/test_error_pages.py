"""Every error code has a page, and every page an error."""

import ast
import re

from libs.common.errors import error_classes
from tests.architecture.source_tree import ROOT, base_names, classes, modules, relative

PAGES = ROOT / "docs" / "errors"
CODE = re.compile(r"^[a-z][a-z0-9_]*$")


def declared_codes() -> dict[str, list[str]]:
    """Where each code of the HeddleError tree is declared, without importing anything."""
    known = {kind.__name__ for kind in error_classes().values()} | {"HeddleError"}
    found = [(path, node) for path in modules() for node in classes(path)]
    grew = True
    while grew:
        before = len(known)
        known |= {node.name for _, node in found if base_names(node) & known}
        grew = len(known) > before
    codes: dict[str, list[str]] = {}
    for path, node in found:
        code = _code(node) if node.name in known else None
        if code is not None:
            codes.setdefault(code, []).append(f"{relative(path)}:{node.name}")
    return codes


def test_every_code_has_a_page_and_every_page_a_class() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")}
    codes = declared_codes()
    assert {"without a page": sorted(codes.keys() - pages)} == {"without a page": []}
    assert {"without a class": sorted(pages - codes.keys())} == {"without a class": []}


def test_codes_are_unique_and_plain() -> None:
    codes = declared_codes()
    assert {code: places for code, places in codes.items() if len(places) > 1} == {}
    assert [code for code in codes if not CODE.match(code)] == []


def test_pages_tell_meaning_cause_and_remedy() -> None:
    wrong: list[str] = []
    for page in sorted(PAGES.glob("*.md")):
        content = page.read_text(encoding="utf-8")
        words = content.lower()
        told = "mean" in words and "cause" in words and "remedy" in words
        title = content.partition("\n")[0].replace("`", "")
        if title != f"# {page.stem}" or not told:
            wrong.append(page.name)
    assert wrong == []


def _code(node: ast.ClassDef) -> str | None:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                return code
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str(code))):
                return code
            case _:
                pass
    return None

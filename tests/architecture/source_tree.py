"""The repository's own files, read and parsed once."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "libs", "cli", "deploy")
SERVICES = ("backend", "engine", "inference", "plugin")
_SKIPPED = {
    ".git",
    ".venv",
    ".venv-bench",
    ".heddle",
    "__pycache__",
    "node_modules",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".schemathesis",
    ".import_linter_cache",
    "build",
    "dist",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the repository."""
    return tuple(sorted(_walk(ROOT)))


@cache
def modules(*packages: str) -> tuple[Path, ...]:
    """The Python files of `packages`, of all that are installed when none is named."""
    folders = tuple(f"{package}/" for package in packages or PACKAGES)
    return tuple(
        path for path in files() if path.suffix == ".py" and relative(path).startswith(folders)
    )


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The full names that a module imports, anywhere in it."""
    found: list[str] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return tuple(found)


def classes(path: Path) -> Iterator[ast.ClassDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            yield node


def base_names(node: ast.ClassDef) -> set[str]:
    """The last part of each base's name, without its parameters."""
    names: set[str] = set()
    for base in node.bases:
        bare = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(bare, ast.Name):
            names.add(bare.id)
        elif isinstance(bare, ast.Attribute):
            names.add(bare.attr)
    return names


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path

"""Where each service keeps its migrations, found on disk."""

import re
from dataclasses import dataclass
from pathlib import Path

_SERVICES = Path(__file__).parents[3] / "services"
_FILE = re.compile(r"^(\d{4})_[a-z0-9_]+\.py$")


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationTree:
    """One service's migrations. `schema` is the service's name.

    `newest` is the highest number in the folder: a file's number is its revision id, and each
    revision follows the number before it.
    """

    schema: str
    folder: Path
    newest: str


def find_trees(services: list[str] | None = None) -> list[MigrationTree]:
    """The trees of `services` in the order of their names, of every service when None.

    Raises ValueError for a service without migrations and for a file outside the numbering.
    """
    found = {
        folder.parents[3].name: folder
        for folder in sorted(_SERVICES.glob("*/infra/postgres/migrations/versions"))
    }
    wanted = list(found) if services is None else services
    if missing := sorted(set(wanted) - set(found)):
        raise ValueError(f"no migrations found for: {', '.join(missing)}")
    trees = [_tree(name, found[name]) for name in sorted(wanted)]
    return [tree for tree in trees if tree is not None]


def _tree(schema: str, folder: Path) -> MigrationTree | None:
    numbers: list[str] = []
    for path in folder.glob("*.py"):
        if path.name == "__init__.py":
            continue
        matched = _FILE.match(path.name)
        if matched is None:
            raise ValueError(f"{schema}: {path.name} is not named NNNN_words.py")
        numbers.append(matched.group(1))
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{schema}: two migrations share a number")
    return MigrationTree(schema=schema, folder=folder, newest=max(numbers)) if numbers else None

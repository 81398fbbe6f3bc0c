"""Files are named for a noun of the domain or a verb, never for being left over."""

from tests.architecture.source_tree import files, relative

DUMPING_GROUNDS = {
    "base",
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "shared",
    "stuff",
    "util",
    "utilities",
    "utils",
}
SUFFIXES = ("_base", "_helper", "_helpers", "_manager", "_misc", "_util", "_utils")


def test_no_dumping_grounds() -> None:
    wrong: list[str] = []
    for path in files():
        if path.suffix != ".py":
            continue
        place = relative(path)
        parts = place.removesuffix(".py").split("/")
        if parts[:2] == ["libs", "common"]:
            parts = parts[2:]
        if parts[:4] == ["tests", "unit", "libs", "common"]:
            parts = parts[4:]
        if any(part in DUMPING_GROUNDS or part.endswith(SUFFIXES) for part in parts):
            wrong.append(place)
    assert wrong == []


def test_every_folder_of_modules_is_a_package() -> None:
    wrong = {
        relative(path.parent)
        for path in files()
        if path.suffix == ".py"
        and relative(path).startswith(("services/", "libs/", "cli/", "deploy/"))
        and "/migrations/" not in relative(path)
        and "/migration_environment/" not in relative(path)
        and "/guest/" not in relative(path)  # runs inside the sandbox, outside of our packages
        and not (path.parent / "__init__.py").exists()
    }
    assert wrong == set()

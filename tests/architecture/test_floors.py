"""libs.common has a kernel and adapters, and every module knows which it is."""

import sys
import tomllib

from tests.architecture.source_tree import ROOT, SERVICES, imports, modules, relative, text

KERNEL = {
    "clock",
    "contracts",
    "errors",
    "fair_places",
    "identifiers",
    "messaging.bus",
    "messaging.dead_letters",
    "object_store.store",
    "outcomes",
    "retry_policy",
    "run_sealing",
    "state_store.store",
    "stored_file_links",
    "stored_files",
    "tracing",
}
# The logic of keyed calls is written like a use case: only its adapters know machinery.
LIKE_KERNEL = {"keyed_calls"}


def in_kernel(name: str) -> bool:
    return any(name == floor or name.startswith(f"{floor}.") for floor in KERNEL)


def test_the_kernel_needs_nothing_but_pydantic() -> None:
    wrong = [
        f"{relative(path)}: {name}"
        for path in modules("libs/common")
        if in_kernel(_name(relative(path)))
        for name in imports(path)
        if (top := name.partition(".")[0]) not in {"pydantic", "libs"}
        and top not in sys.stdlib_module_names
    ]
    assert wrong == []


def test_the_kernel_imports_the_kernel() -> None:
    wrong = [
        f"{relative(path)}: {name}"
        for path in modules("libs/common")
        if in_kernel(_name(relative(path)))
        for name in imports(path)
        if name.startswith("libs.common.") and not in_kernel(name.removeprefix("libs.common."))
    ]
    assert wrong == []


def test_inner_rooms_know_the_kernel_only() -> None:
    floors = KERNEL | LIKE_KERNEL
    wrong = [
        f"{relative(path)}: {name}"
        for service in SERVICES
        for path in modules(f"services/{service}/app", f"services/{service}/domain")
        for name in imports(path)
        if name.startswith("libs.common.")
        and not any(
            (inner := name.removeprefix("libs.common.")) == floor or inner.startswith(f"{floor}.")
            for floor in floors
        )
    ]
    assert wrong == []


def test_the_import_contract_names_every_service_and_the_kernel() -> None:
    settings = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in settings["contracts"]}
    services = {f"services.{service}" for service in SERVICES}
    folders = {
        f"services.{path.name}"
        for path in (ROOT / "services").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert folders == services
    assert set(contracts["rooms"]["containers"]) == services
    assert set(contracts["services"]["modules"]) == services
    assert set(contracts["kernel"]["source_modules"]) == {f"libs.common.{name}" for name in KERNEL}
    adapters = {
        path.name.removesuffix(".py")
        for path in (ROOT / "libs" / "common").iterdir()
        if not path.name.startswith("__")
    } - {name.partition(".")[0] for name in KERNEL}
    forbidden = {
        name.removeprefix("libs.common.") for name in contracts["kernel"]["forbidden_modules"]
    }
    assert adapters <= forbidden


def _name(path: str) -> str:
    return path.removeprefix("libs/common/").removesuffix(".py").replace("/", ".")

"""Every service has the same rooms, and the inner ones stay pure."""

import ast
import sys

import pytest

from tests.architecture.source_tree import ROOT, SERVICES, imports, modules, relative, tree

ROOMS = {"main.py", "bootstrap.py", "settings.py", "interface", "app", "domain", "infra"}
BESIDE = {"__init__.py", "__pycache__", "Dockerfile", "README.md"}
CONTENT = {"inference": {"providers"}, "plugin": {"bundles"}}

# The walker over Jinja2's parsed trees and JSON Schema are rules of the engine; all are pure.
PURE_LIBRARIES = {
    ("engine", "domain"): {"jinja2", "json_repair", "jsonschema", "msgspec", "referencing"},
    ("inference", "domain"): {"jsonschema"},
    ("plugin", "domain"): {"jsonschema"},
}
UNREPEATABLE = {"asyncio", "datetime", "os", "random", "secrets", "socket", "subprocess", "time"}
READS_CLOCK = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "urandom", "uuid4"}

ROOM_MODULES = [
    (service, room, path)
    for service in SERVICES
    for room in ("app", "domain")
    for path in modules(f"services/{service}/{room}")
]


@pytest.mark.parametrize("service", SERVICES)
def test_rooms(service: str) -> None:
    found = {path.name for path in (ROOT / "services" / service).iterdir()}
    assert found - BESIDE - CONTENT.get(service, set()) <= ROOMS


def test_only_bootstrap_names_both_interface_and_infra() -> None:
    both = [
        relative(path)
        for service in SERVICES
        for path in modules(f"services/{service}")
        if {
            name.split(".")[2]
            for name in imports(path)
            if name.startswith(f"services.{service}.") and name.count(".") > 1
        }
        >= {"interface", "infra"}
    ]
    assert [path for path in both if not path.endswith("/bootstrap.py")] == []


@pytest.mark.parametrize("room", ["app", "domain"])
@pytest.mark.parametrize("service", SERVICES)
def test_inner_rooms_import_only_what_they_may(service: str, room: str) -> None:
    allowed = {"pydantic", "services", "libs"} | PURE_LIBRARIES.get((service, room), set())
    wrong = [
        f"{relative(path)}: {name}"
        for owner, place, path in ROOM_MODULES
        if (owner, place) == (service, room)
        for name in imports(path)
        if (top := name.partition(".")[0]) not in allowed and top not in sys.stdlib_module_names
    ]
    assert wrong == []


def test_domain_has_no_coroutines() -> None:
    wrong = [
        f"{relative(path)}:{node.lineno}"
        for _, room, path in ROOM_MODULES
        if room == "domain"
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith))
        # What a bundle's handler may call is a port, implemented outside.
        and not relative(path).endswith("services/plugin/domain/tool_context.py")
    ]
    assert wrong == []


def test_domain_reads_no_clock_and_no_randomness() -> None:
    wrong: list[str] = []
    for _, room, path in ROOM_MODULES:
        if room != "domain":
            continue
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            call = node.func
            owner = call.value if isinstance(call, ast.Attribute) else None
            if (
                isinstance(call, ast.Attribute)
                and call.attr in READS_CLOCK
                and isinstance(owner, ast.Name)
                and owner.id in UNREPEATABLE | {"uuid", "date"}
            ) or (isinstance(call, ast.Name) and call.id in {"uuid4", "uuid7", "open", "print"}):
                wrong.append(f"{relative(path)}:{node.lineno}")
    assert wrong == []

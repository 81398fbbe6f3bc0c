"""Which port each part of the stack listens on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from deploy.local.loopback import free_port, is_free
from deploy.local.private_file import write_private
from deploy.local.stack_error import LocalStackError

SERVICES = ("backend", "inference", "plugin", "engine")
SERVERS = ("postgres", "nats", "nats_monitor", "redis")
FIRST_BLOCK = 8700
_BLOCK_STEP = 10
_BLOCKS = 100
_RECORD = TypeAdapter(dict[str, int | str])


def choose_ports(
    recorded: Mapping[str, int],
    environ: Mapping[str, str],
    *,
    free: Callable[[int], bool] = is_free,
    any_free: Callable[[], int] = free_port,
) -> dict[str, int]:
    """A free port for every service and server, by name.

    `HEDDLE_<SERVICE>_PORT` is taken at its word. Otherwise the recorded ports are kept while they
    are free; the services' ports move together, to the first free block from 8700.
    Raises LocalStackError when a demanded port is taken or no block is free.
    """
    demanded = {name: _demanded(name, environ, free) for name in SERVICES}
    previous = {name: recorded[name] for name in SERVICES if name in recorded}
    if len(previous) == len(SERVICES) and all(free(port) for port in previous.values()):
        block = previous
    else:
        block = _free_block(free)
    chosen = {name: demanded[name] or block[name] for name in SERVICES}
    for name in SERVERS:
        kept = recorded.get(name)
        chosen[name] = kept if kept is not None and free(kept) else any_free()
    return chosen


def load_ports(path: Path) -> dict[str, int]:
    """The recorded ports; empty when there is no readable record."""
    try:
        found = _RECORD.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}


def save_ports(path: Path, ports: Mapping[str, int]) -> None:
    """Record `ports` and the public base URL for the CLI and for people's recipes."""
    record: dict[str, int | str] = {"url": f"http://127.0.0.1:{ports['backend']}", **ports}
    write_private(path, json.dumps(record, indent=2) + "\n")


def _demanded(service: str, environ: Mapping[str, str], free: Callable[[int], bool]) -> int | None:
    variable = f"HEDDLE_{service.upper()}_PORT"
    value = environ.get(variable)
    if not value:
        return None
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise LocalStackError(f"{variable}={value} is not a port.", remedy="Use 1 to 65535.")
    if not free(int(value)):
        raise LocalStackError(
            f"Port {value} ({variable}) is taken by another program.",
            remedy=f"Stop that program or unset {variable}.",
        )
    return int(value)


def _free_block(free: Callable[[int], bool]) -> dict[str, int]:
    for start in range(FIRST_BLOCK, FIRST_BLOCK + _BLOCK_STEP * _BLOCKS, _BLOCK_STEP):
        block = {name: start + offset for offset, name in enumerate(SERVICES)}
        if all(free(port) for port in block.values()):
            return block
    raise LocalStackError(
        f"No free block of ports from {FIRST_BLOCK} on.",
        remedy="Set HEDDLE_BACKEND_PORT, HEDDLE_INFERENCE_PORT, HEDDLE_PLUGIN_PORT and "
        "HEDDLE_ENGINE_PORT.",
    )

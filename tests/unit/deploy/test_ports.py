"""Which ports the stack takes."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from deploy.local.ports import SERVICES, choose_ports, load_ports, save_ports
from deploy.local.stack_error import LocalStackError


def choose(
    recorded: dict[str, int] | None = None,
    environ: dict[str, str] | None = None,
    taken: frozenset[int] = frozenset(),
) -> dict[str, int]:
    numbers = count(50_000)
    any_free: Callable[[], int] = lambda: next(numbers)  # noqa: E731
    return choose_ports(
        recorded or {}, environ or {}, free=lambda port: port not in taken, any_free=any_free
    )


def services(ports: dict[str, int]) -> list[int]:
    return [ports[name] for name in SERVICES]


def test_services_take_the_first_block_when_it_is_free() -> None:
    assert services(choose()) == [8700, 8701, 8702, 8703]


def test_services_move_together_when_one_port_is_taken() -> None:
    assert services(choose(taken=frozenset({8702, 8710}))) == [8720, 8721, 8722, 8723]


def test_recorded_ports_are_kept_while_they_are_free() -> None:
    recorded = choose(taken=frozenset({8700}))
    assert choose(recorded) == recorded
    moved = choose(recorded, taken=frozenset({recorded["engine"], recorded["redis"]}))
    assert services(moved) == [8700, 8701, 8702, 8703]
    assert moved["postgres"] == recorded["postgres"]
    assert moved["redis"] != recorded["redis"]


def test_a_demanded_port_is_taken_at_its_word() -> None:
    ports = choose(environ={"HEDDLE_ENGINE_PORT": "9100"})
    assert services(ports) == [8700, 8701, 8702, 9100]


@pytest.mark.parametrize("value", ["9100", "nine", "0", "70000"])
def test_a_demanded_port_that_cannot_be_had_is_refused(value: str) -> None:
    with pytest.raises(LocalStackError, match="HEDDLE_PLUGIN_PORT"):
        choose(environ={"HEDDLE_PLUGIN_PORT": value}, taken=frozenset({9100}))


def test_the_record_holds_the_base_url_for_people(tmp_path: Path) -> None:
    record = tmp_path / "ports.json"
    ports = choose()
    save_ports(record, ports)
    assert load_ports(record) == ports
    assert '"url": "http://127.0.0.1:8700"' in record.read_text()


@pytest.mark.parametrize("text", ["", "[1]", '{"backend": {}}'])
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    record = tmp_path / "ports.json"
    record.write_text(text)
    assert load_ports(record) == {}

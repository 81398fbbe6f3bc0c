"""Two stacks that start side by side."""

from collections.abc import Callable

import pytest

from deploy.local.loopback import free_port
from deploy.local.port_claims import PortClaims
from deploy.local.ports import SERVICES, choose_ports


def _services(free: Callable[[int], bool]) -> set[int]:
    ports = choose_ports({}, {}, free=free)
    return {ports[name] for name in SERVICES}


def test_stacks_that_start_together_take_different_ports() -> None:
    with PortClaims() as one, PortClaims() as other:
        assert not _services(one.free) & _services(other.free)


def test_a_claim_ends_when_it_is_let_go_of() -> None:
    port = free_port()
    with PortClaims() as other:
        with PortClaims() as one:
            assert one.free(port)
            assert one.free(port)
            assert not other.free(port)
            one.keep_only({port})
            assert not other.free(port)
            one.keep_only(())
            assert other.free(port)
            other.keep_only(())
            assert one.free(port)
        assert other.free(port)


def test_a_port_that_a_stack_claimed_is_given_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed, other = free_port(), free_port()
    picks = iter([claimed - 20_000, other - 20_000])

    def picked(_below: int) -> int:
        return next(picks)

    monkeypatch.setattr("secrets.randbelow", picked)
    with PortClaims() as claims:
        assert claims.free(claimed)
        assert free_port() == other

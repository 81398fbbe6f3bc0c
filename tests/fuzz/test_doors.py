"""Whatever is asked of a door, it answers in its own shape, tells no secret, and lives on."""

import pytest

from deploy.local.loopback import answers_ok
from tests.fuzz.fuzzing import Findings, Fuzzing
from tests.fuzz.profile import ANSWER_SECONDS, SECONDS
from tests.fuzz.world import World
from tests.support.platform import SERVICES

_SHARES = {"backend": 0.85, "inference": 0.15}


@pytest.mark.timeout(SECONDS + 10 * ANSWER_SECONDS)
@pytest.mark.parametrize("service", _SHARES)
def test_doors(service: str, world: World, findings: Findings) -> None:
    pids = {name: world.platform.replica(name).pid for name in SERVICES}
    fuzzing = Fuzzing(world, service, findings)
    fuzzing.go_on(SECONDS * _SHARES[service])
    told = "\n".join(f"{what}\n    {command}" for what, command in findings.wrong.items())
    assert not findings.wrong, f"\n{told}"
    asked = {label for label in findings.asked if label.startswith(f"{service} ")}
    assert len(asked) == len(fuzzing.operations)
    for name, pid in pids.items():
        replica = world.platform.replica(name)
        assert (replica.pid, replica.child.poll()) == (pid, None)
        assert answers_ok(replica.port, "/readyz")
    assert "request_failed" not in world.platform.log(service)

"""Sandboxes to attack: one per isolation, shared by a module's tests."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.plugin.domain.sandbox.execution import Isolation
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from tests.integration.plugin.sandbox.attack import CANARY


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["bwrap", "landlock"])
async def sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ProcessSandbox]:
    """A started sandbox. Other executions share it, so one that it breaks breaks them."""
    level: Isolation = request.param
    os.environ["HEDDLE_SANDBOX_CANARY"] = CANARY
    started = ProcessSandbox(SandboxOptions(strongest=level, minimum=level))
    await started.start()
    yield started
    await started.close()
    del os.environ["HEDDLE_SANDBOX_CANARY"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strong_sandbox() -> AsyncIterator[ProcessSandbox]:
    """A started sandbox with namespaces."""
    started = ProcessSandbox(SandboxOptions(minimum="bwrap"))
    await started.start()
    yield started
    await started.close()

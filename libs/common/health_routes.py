"""What operators ask every service: /healthz, /readyz, /metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from libs.common.metrics import CONTENT_TYPE, Metrics

ReadinessCheck = Callable[[], Awaitable[object]]
_CHECK_SECONDS = 2.0


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class DependencyState(BaseModel):
    """`error` None: reachable. `seconds` is what the check took."""

    seconds: float
    error: str | None = None


class Readiness(BaseModel):
    """`status` ready, not_ready (a dependency is away) or stopping."""

    status: str
    dependencies: dict[str, DependencyState]


def health_router(
    checks: Mapping[str, ReadinessCheck], metrics: Metrics, ready: Callable[[], bool]
) -> APIRouter:
    """The three routes; `ready` False: the process is about to stop."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> Health:
        return Health()

    @router.get("/readyz", responses={503: {"model": Readiness}})
    async def readyz(response: Response) -> Readiness:
        states = await asyncio.gather(*(_checked(check) for check in checks.values()))
        dependencies = dict(zip(checks, states, strict=True))
        status = "ready" if ready() else "stopping"
        if ready() and any(state.error is not None for state in states):
            status = "not_ready"
        if status != "ready":
            response.status_code = 503
        return Readiness(status=status, dependencies=dependencies)

    @router.get("/metrics", response_class=Response)
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    _ = (healthz, readyz, exposition)
    return router


async def _checked(check: ReadinessCheck) -> DependencyState:
    begun = time.perf_counter()
    error = None
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except Exception as raised:  # noqa: BLE001 - whatever a check raises means not ready
        # The class only: messages of drivers may hold addresses with passwords.
        error = type(raised).__name__
    return DependencyState(seconds=round(time.perf_counter() - begun, 6), error=error)

"""Hand a run over, and wait for its end if the caller wishes."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from libs.common.contracts.run_events import NodeFinished, RunFinished, RunPaused
from libs.common.errors import Busy, RateLimited, Unavailable, UpstreamError, UpstreamTimeout
from services.backend.app.errors import RunFailed
from services.backend.app.runs.hand_over import HandOver
from services.backend.app.runs.show_run import ShownRun, ShowRun
from services.backend.app.runs.start_run import StartedRun, StartRun
from services.backend.app.runs.until_paused import UntilPaused
from services.backend.domain.runs.run_joiner import Happened

_UPSTREAM_ERRORS = frozenset(
    {
        "EffectTimeout",
        "FileNotServed",
        "HTTPResponseCodeError",
        "HttpRequestNodeError",
        "OutcomeUnknown",
        "ProviderFailed",
        "ProviderStreamBroken",
        "ResponseTooLarge",
        "UpstreamError",
        "UpstreamTimeout",
    }
)
"""What a node's failure is called when somebody outside of the platform failed."""


class RunUpstreamFailed(UpstreamError):
    """The run failed because a system that it called did. `extra` holds its id."""

    code = "run_upstream_failed"
    title = "The run failed with a system that it called"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitRun:
    start: StartRun
    hand_over: HandOver
    show: ShowRun
    until_paused: UntilPaused

    async def handed_over(self, run: StartedRun) -> str:
        """The run's status once the engine has it; `queued` while the engine is away.

        Raises CallerError when the engine refuses the run for good.
        """
        try:
            return (await self.hand_over.accepted(run.acceptance, run.version_id)).status
        except (Unavailable, UpstreamTimeout, Busy, RateLimited):
            return "queued"  # the relay hands it over later

    async def ended(self, run: StartedRun, seconds: float) -> ShownRun | None:
        """The run once it has ended; None when it goes on after `seconds`, or waits for somebody.

        Raises RunFailed, RunUpstreamFailed, RunSetAside.
        """
        try:
            async with asyncio.timeout(seconds):
                finished, cause = await self._end(run)
        except TimeoutError:
            return None
        if finished is None:
            return None
        if finished.status == "failed":
            kind = RunUpstreamFailed if cause in _UPSTREAM_ERRORS else RunFailed
            raise kind(f"Run failed: {finished.error or ''}", extra={"run_id": str(run.run_id)})
        return await self.show(run.tenant_id, run.run_id)

    async def _end(self, run: StartedRun) -> tuple[RunFinished | None, str | None]:
        """The last event, None for a paused run, and what the failure of a node was called."""
        cause: str | None = None
        paused = False
        story = self.until_paused(run.tenant_id, run.run_id, self.start.follow(run))
        async with aclosing(story) as items:
            async for item in items:
                match item:
                    case Happened(event=NodeFinished(status="failed") as failed):
                        cause = failed.error_type
                    case Happened(event=RunFinished() as finished):
                        return finished, cause
                    case Happened(event=RunPaused()):
                        paused = True
                    case _:
                        pass
        if paused:
            return None, None
        raise Unavailable("The run's story broke off.")

"""Write down the runs that other runs call, so that they can be listed and looked at."""

from dataclasses import dataclass

from libs.common.contracts.run_commands import ChildAccepted
from libs.common.errors import Unavailable
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.record_end import RecordEnd
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.runs.records import NewRun

_MODE = "workflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChild:
    runs: RunRepository
    record_end: RecordEnd

    async def of_fact(self, fact: ChildAccepted) -> None:
        """From the engine's durable message. The child is its caller's end user's.

        Raises Unavailable while the run that calls it is not written down: the message comes again.
        """
        acceptance = fact.acceptance
        parent = acceptance.parent
        if parent is None:
            return
        caller = await self.runs.find(acceptance.tenant_id, parent.run_id)
        if caller is None:
            raise Unavailable("The run that calls this one is not written down yet.")
        await self.runs.add_child(
            NewRun(
                acceptance=acceptance,
                version_id=fact.version_id,
                mode=_MODE,
                end_user_id=end_user_id(acceptance.app_id, caller.session_id),
                session_id=caller.session_id,
            )
        )
        # The message about its end may have come before this one.
        await self.record_end.if_ended(acceptance.tenant_id, acceptance.run_id)

"""A run's waiting commands on their way to who drives it."""

from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.carry_run import SteeredRun


async def drain_commands(commands: CommandStore, claim: Claim, run: SteeredRun) -> None:
    """What `run` has obeyed before, and what came of it is durable, is noted as drained; the rest
    it is told. Raises Unavailable."""
    waiting = await commands.undrained(claim.tenant_id, claim.run_id)
    carried_out = set(run.carried_out())
    for command in waiting:
        if command.command_id not in carried_out:
            run.obey(command)
    done = [each.command_id for each in waiting if each.command_id in carried_out]
    if done:
        await commands.drained(claim.tenant_id, claim.run_id, done)

"""What each command does to a run, inside one step."""

from typing import assert_never

from libs.common.contracts import run_commands as commands
from libs.common.contracts.forms import TIMED_OUT, HumanAnswer
from services.engine.domain.events import journal
from services.engine.domain.execution.effect_results import completed
from services.engine.domain.execution.run_advance import RunAdvance
from services.engine.domain.node_parts.effects import AskHuman, RunWorkflow, Wait
from services.engine.domain.variables.values import Value


def carry_out(command: commands.RunCommand, advance: RunAdvance) -> None:
    """Record the command and what follows from it. It is new, and the run has not ended."""
    match command:
        case commands.AbortRun() | commands.PauseRun():
            _applied(command, advance, reason=command.reason)
        case commands.ResumeRun():
            _applied(command, advance)
            advance.rest.wake()
            advance.revive()
        case commands.UpdateVariables():
            updates: list[Value] = [[*each.selector, each.value] for each in command.updates]
            _applied(command, advance, updates=updates)
        case commands.ChildFinished():
            _applied(command, advance)
            _child_ended(command, advance)
        case commands.AnswerForm():
            _applied(command, advance)
            _close(command.key, command.answer, advance)
        case commands.TimerDue():
            _timer_due(command, advance)
        case _:
            assert_never(command)


def _timer_due(command: commands.TimerDue, advance: RunAdvance) -> None:
    _applied(command, advance)
    waiting = advance.effects.waiting_for(command.ref)
    if command.timer == "form":
        asked = None if waiting is None else waiting[1].request
        if isinstance(asked, AskHuman) and asked.gives_up is not None:
            advance.writer.record(
                journal.CommandApplied(
                    at=advance.writer.now,
                    command_id=f"{command.command_id}:abort",
                    command="abort",
                    reason=asked.gives_up,
                )
            )
            return
        _close(command.ref, HumanAnswer(action=TIMED_OUT), advance)
    elif waiting is not None and isinstance(waiting[1].request, Wait):
        advance.rest.wake()
        advance.writer.record(
            journal.EffectCompleted(at=advance.writer.now, key=command.ref, result=None)
        )
        advance.drive(waiting[0])
    else:
        advance.retry(command.ref)


def _child_ended(command: commands.ChildFinished, advance: RunAdvance) -> None:
    """What came of the child, where its node still waits for it."""
    waiting = advance.effects.waiting_for(command.key)
    if waiting is None or not isinstance(waiting[1].request, RunWorkflow):
        return
    driver, asked = waiting
    advance.rest.wake()
    advance.effects.child_started(command.key)
    advance.writer.record(
        completed(command.key, asked.request, command.outcome, advance.writer.now)
    )
    advance.drive(driver)


def _close(key: str, answer: HumanAnswer, advance: RunAdvance) -> None:
    """The form's answer, where its node still waits for one."""
    waiting = advance.effects.waiting_for(key)
    if waiting is None or not isinstance(waiting[1].request, AskHuman):
        return
    driver, _ = waiting
    advance.rest.wake()
    advance.effects.form_opened(key)
    advance.writer.record(
        journal.FormClosed(
            at=advance.writer.now,
            key=key,
            node_id=driver.progress.node_id,
            frame=driver.progress.frame,
            action=answer.action,
            inputs=answer.inputs,
            actor=answer.actor,
            timed_out=answer.action == TIMED_OUT,
        )
    )
    advance.drive(driver)


def _applied(
    command: commands.RunCommand,
    advance: RunAdvance,
    *,
    reason: str = "",
    updates: list[Value] | None = None,
) -> None:
    advance.writer.record(
        journal.CommandApplied(
            at=advance.writer.now,
            command_id=str(command.command_id),
            command=command.kind,
            reason=reason,
            updates=updates,
        )
    )

"""Every use case of the engine."""

from dataclasses import dataclass

from services.engine.app.conversations.change_variable import ChangeVariableUseCase
from services.engine.app.conversations.read_variables import ReadVariables
from services.engine.app.runs.abort_run import AbortRunUseCase
from services.engine.app.runs.accept_run import AcceptRunUseCase
from services.engine.app.runs.plan_fork import PlanForkUseCase
from services.engine.app.runs.read_run import ReadRun
from services.engine.app.runs.resume_run import ResumeRunUseCase
from services.engine.app.workflows.register_workflow import RegisterWorkflowUseCase
from services.engine.app.workflows.validate_workflow import ValidateWorkflowUseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineUseCases:
    """One of each, for whatever door asks."""

    accept: AcceptRunUseCase
    abort: AbortRunUseCase
    resume: ResumeRunUseCase
    read: ReadRun
    plan_fork: PlanForkUseCase
    variables: ReadVariables
    change_variable: ChangeVariableUseCase
    register: RegisterWorkflowUseCase
    validate: ValidateWorkflowUseCase

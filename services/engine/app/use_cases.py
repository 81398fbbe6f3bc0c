"""Every use case of the engine."""

from dataclasses import dataclass

from services.engine.app.conversations.change_variable import ChangeVariableUseCase
from services.engine.app.conversations.forget_conversation import ForgetConversation
from services.engine.app.conversations.read_variables import ReadVariables
from services.engine.app.forms.read_forms import ReadForms
from services.engine.app.forms.submit_form import SubmitFormUseCase
from services.engine.app.runs.accept_run import AcceptRunUseCase
from services.engine.app.runs.command_run import CommandRun
from services.engine.app.runs.plan_fork import PlanForkUseCase
from services.engine.app.runs.read_run import ReadRun
from services.engine.app.workflows.register_workflow import RegisterWorkflowUseCase
from services.engine.app.workflows.validate_workflow import ValidateWorkflowUseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineUseCases:
    """One of each, for whatever door asks."""

    accept: AcceptRunUseCase
    command: CommandRun
    forms: ReadForms
    submit: SubmitFormUseCase
    read: ReadRun
    plan_fork: PlanForkUseCase
    variables: ReadVariables
    change_variable: ChangeVariableUseCase
    forget: ForgetConversation
    register: RegisterWorkflowUseCase
    validate: ValidateWorkflowUseCase

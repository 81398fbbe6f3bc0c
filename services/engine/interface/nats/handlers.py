"""What the engine answers on NATS."""

from libs.common.contracts.conversation_variables import (
    ChangeVariable,
    ConversationDeleted,
    ConversationVariable,
    ConversationVariables,
    VariablesQuery,
)
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import FormDeliveries
from libs.common.contracts.forms import (
    FormList,
    FormQuery,
    FormsQuery,
    FormSubmitted,
    FormView,
    SubmitForm,
)
from libs.common.contracts.run_commands import (
    AbortRun,
    AcceptRun,
    CommandAccepted,
    Doorbell,
    PauseRun,
    ResumeRun,
    RunAccepted,
    UpdateVariables,
)
from libs.common.contracts.run_forks import ForkPlan, PlanFork
from libs.common.contracts.run_queries import (
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunTrace,
    RunView,
    TraceQuery,
)
from libs.common.contracts.subjects import (
    ABORT_RUN,
    ACCEPT_RUN,
    CHANGE_VARIABLE,
    CONVERSATION_DELETED,
    CONVERSATION_VARIABLES,
    FORM,
    FORM_DELIVERIES,
    FORMS,
    PAUSE_RUN,
    PLAN_FORK,
    REGISTER_WORKFLOW,
    RESUME_RUN,
    RUN_DOORBELL,
    RUN_EVENTS,
    RUN_TRACE,
    RUN_VIEW,
    RUNS,
    SUBMIT_FORM,
    UPDATE_VARIABLES,
    VALIDATE_WORKFLOW,
)
from libs.common.contracts.workflows import RegisterWorkflow, ValidateWorkflow, ValidationReport
from libs.common.messaging.bus import MessageBus
from services.engine.app.use_cases import EngineUseCases
from services.engine.app.worker import Worker


class EngineHandlers:
    """Parses nothing and decides nothing: a message in, one use case, its answer out."""

    def __init__(self, use_cases: EngineUseCases, worker: Worker) -> None:
        self._use_cases = use_cases
        self._worker = worker

    async def serve(self, bus: MessageBus) -> None:
        """Answer from now on."""
        await bus.serve(REGISTER_WORKFLOW, self._register)
        await bus.serve(VALIDATE_WORKFLOW, self._validate)
        await bus.serve(RUN_VIEW, self._view)
        await bus.serve(RUNS, self._summaries)
        await bus.serve(RUN_TRACE, self._trace)
        await bus.serve(RUN_EVENTS, self._events)
        await bus.serve(PLAN_FORK, self._plan_fork)
        await bus.serve(CONVERSATION_VARIABLES, self._variables)
        await bus.serve(CHANGE_VARIABLE, self._change_variable)
        await bus.serve(ABORT_RUN, self._abort)
        await bus.serve(PAUSE_RUN, self._pause)
        await bus.serve(UPDATE_VARIABLES, self._update_variables)
        await bus.serve(RESUME_RUN, self._resume)
        await bus.serve(FORM, self._form)
        await bus.serve(FORMS, self._forms)
        await bus.serve(FORM_DELIVERIES, self._form_deliveries)
        await bus.serve(SUBMIT_FORM, self._submit)
        await bus.serve(ACCEPT_RUN, self._accept)
        await bus.consume(RUN_DOORBELL, self._rung, durable="engine")
        await bus.consume(CONVERSATION_DELETED, self._forget, durable="engine")

    async def _accept(self, message: AcceptRun, envelope: Envelope) -> RunAccepted:
        if message.traceparent is None:
            message = message.model_copy(update={"traceparent": envelope.traceparent})
        return await self._use_cases.accept.execute(message)

    async def _abort(self, message: AbortRun, _envelope: Envelope) -> CommandAccepted:
        return await self._use_cases.command.send(message)

    async def _pause(self, message: PauseRun, _envelope: Envelope) -> CommandAccepted:
        return await self._use_cases.command.send(message)

    async def _update_variables(
        self, message: UpdateVariables, _envelope: Envelope
    ) -> CommandAccepted:
        return await self._use_cases.command.send(message)

    async def _resume(self, message: ResumeRun, _envelope: Envelope) -> CommandAccepted:
        return await self._use_cases.command.resume(message)

    async def _form(self, message: FormQuery, _envelope: Envelope) -> FormView:
        return await self._use_cases.forms.view(message)

    async def _forms(self, message: FormsQuery, _envelope: Envelope) -> FormList:
        return await self._use_cases.forms.list(message)

    async def _form_deliveries(self, message: FormQuery, _envelope: Envelope) -> FormDeliveries:
        return await self._use_cases.forms.deliveries(message)

    async def _submit(self, message: SubmitForm, _envelope: Envelope) -> FormSubmitted:
        return await self._use_cases.submit.execute(message)

    async def _view(self, message: RunQuery, _envelope: Envelope) -> RunView:
        return await self._use_cases.read.view(message)

    async def _summaries(self, message: RunsQuery, _envelope: Envelope) -> RunSummaries:
        return await self._use_cases.read.summaries(message)

    async def _trace(self, message: TraceQuery, _envelope: Envelope) -> RunTrace:
        return await self._use_cases.read.trace(message)

    async def _events(self, message: RunEventsQuery, _envelope: Envelope) -> RunEventsPage:
        return await self._use_cases.read.events(message)

    async def _plan_fork(self, message: PlanFork, _envelope: Envelope) -> ForkPlan:
        return await self._use_cases.plan_fork.execute(message)

    async def _variables(
        self, message: VariablesQuery, _envelope: Envelope
    ) -> ConversationVariables:
        return await self._use_cases.variables.execute(message)

    async def _change_variable(
        self, message: ChangeVariable, _envelope: Envelope
    ) -> ConversationVariable:
        return await self._use_cases.change_variable.execute(message)

    async def _register(self, message: RegisterWorkflow, _envelope: Envelope) -> ValidationReport:
        return await self._use_cases.register.execute(message)

    async def _validate(self, message: ValidateWorkflow, _envelope: Envelope) -> ValidationReport:
        return await self._use_cases.validate.execute(message)

    async def _forget(self, message: ConversationDeleted, _envelope: Envelope) -> None:
        await self._use_cases.forget.execute(message)

    async def _rung(self, _message: Doorbell, _envelope: Envelope) -> None:
        # Acknowledged by returning: right after the look that the ring caused has committed.
        await self._worker.looked()

"""Forms in memory, by the rules of the real store."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import (
    FormQuery,
    FormsQuery,
    FormStatus,
    FormView,
    HumanAnswer,
    HumanForm,
    SubmitForm,
    form_digest,
)
from libs.common.contracts.run_commands import TERMINAL_STATUSES, AnswerForm
from services.engine.app.errors import FormUnknown
from services.engine.app.forms.form_opened import form_opened
from services.engine.app.ports.form_store import Submission
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import OpenForm
from services.engine.infra.in_memory.engine_state import EngineState, FormRow, RunRow


class InMemoryFormStore:
    """Implements FormStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def open(
        self,
        claim: Claim,
        form: OpenForm,
        shown: HumanForm,
        deliveries: Sequence[FormDelivery] = (),
    ) -> bool:
        row = self._state.runs[claim.tenant_id, claim.run_id]
        if (row.epoch, row.status) != (claim.epoch, "running"):
            return False
        if form.form_id not in row.forms:
            row.forms[form.form_id] = FormRow(
                key=form.key,
                node_id=form.node_id,
                frame=form.frame,
                shown=shown,
                opened_at=self._state.now(),
                expires_at=form.due,
                deliveries=tuple(deliveries),
            )
            if deliveries:
                self._state.outbox.append(form_opened(claim, form.form_id))
            row.timers["form", form.key] = form.due
        return True

    async def withdraw(self, tenant_id: UUID, run_id: UUID, forms: Sequence[UUID]) -> None:
        row = self._state.runs[tenant_id, run_id]
        for form_id in forms:
            form = row.forms.get(form_id)
            if form is not None and form.status == "open":
                form.status, form.acted_at = "withdrawn", self._state.now()
                row.timers.pop(("form", form.key), None)

    async def find(self, query: FormQuery) -> FormView:
        row, form = self._found(query.tenant_id, query.form_id, query.app_id)
        return self._view(query.form_id, row, form, with_form=True)

    async def deliveries(self, query: FormQuery) -> tuple[FormDelivery, ...]:
        return self._found(query.tenant_id, query.form_id, query.app_id)[1].deliveries

    async def list(self, query: FormsQuery) -> list[FormView]:
        found = [
            self._view(form_id, row, form, with_form=False)
            for (tenant_id, run_id), row in self._state.runs.items()
            for form_id, form in row.forms.items()
            if tenant_id == query.tenant_id
            and query.run_id in {None, run_id}
            and query.app_id in {None, row.request.app_id}
        ]
        found.sort(key=lambda form: (form.opened_at, form.form_id), reverse=True)
        ids: list[UUID | None] = [form.form_id for form in found]
        start = ids.index(query.before) + 1 if query.before in ids else 0
        wanted = [form for form in found[start:] if query.status in {None, form.status}]
        return wanted[: query.limit]

    async def submit(self, answer: SubmitForm) -> Submission:
        row, form = self._found(answer.tenant_id, answer.form_id, answer.app_id)
        run_id = row.request.run_id
        if form.command_id == answer.command_id:
            return Submission("taken", run_id, row.status, row.epoch)
        if row.status in TERMINAL_STATUSES and form.status == "open":
            return Submission("over", run_id, row.status, row.epoch)
        status = self._stands(row, form)
        if status != "open":
            return Submission(status, run_id, row.status, row.epoch)
        form.status, form.acted_at = "submitted", self._state.now()
        form.actor, form.action = answer.actor, answer.action
        form.inputs, form.command_id = answer.inputs, answer.command_id
        row.timers.pop(("form", form.key), None)
        row.put_command(
            AnswerForm(
                tenant_id=answer.tenant_id,
                run_id=run_id,
                command_id=answer.command_id,
                key=form.key,
                answer=HumanAnswer(action=answer.action, inputs=answer.inputs, actor=answer.actor),
            )
        )
        return Submission("taken", run_id, row.status, row.epoch)

    def _found(self, tenant_id: UUID, form_id: UUID, app_id: UUID | None) -> tuple[RunRow, FormRow]:
        for (tenant, _), row in self._state.runs.items():
            form = row.forms.get(form_id)
            if form is not None and tenant == tenant_id and app_id in {None, row.request.app_id}:
                return row, form
        raise FormUnknown(f"No form {form_id}.")

    def _stands(self, row: RunRow, form: FormRow) -> FormStatus:
        if form.status != "open":
            return form.status
        if row.status in TERMINAL_STATUSES:
            return "withdrawn"
        return "expired" if form.expires_at <= self._state.now() else "open"

    def _view(self, form_id: UUID, row: RunRow, form: FormRow, *, with_form: bool) -> FormView:
        return FormView(
            form_id=form_id,
            run_id=row.request.run_id,
            app_id=row.request.app_id,
            node_id=form.node_id,
            frame_path=form.frame,
            status=self._stands(row, form),
            digest=form_digest(form.shown),
            title=form.shown.title,
            opened_at=form.opened_at,
            expires_at=form.expires_at,
            form=form.shown if with_form else None,
            actor=form.actor,
            acted_at=form.acted_at,
            action=form.action,
            inputs=form.inputs if with_form else {},
        )

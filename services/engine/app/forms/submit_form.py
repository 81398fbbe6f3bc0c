"""A person's answer to a form."""

from libs.common.contracts.forms import FormQuery, FormSubmitted, SubmitForm
from libs.common.errors import Conflict, HeddleError
from services.engine.app.errors import (
    FormActionUnknown,
    FormChanged,
    FormExpired,
    FormInputRefused,
    FormWithdrawn,
)
from services.engine.app.errors import FormSubmitted as AlreadySubmitted
from services.engine.app.ports.form_store import FormStore, Submission
from services.engine.app.runs.wake_run import RunWaker
from services.engine.domain.node_parts.form_inputs import FormInputInvalid, checked_inputs


class SubmitFormUseCase:
    def __init__(self, forms: FormStore, waker: RunWaker) -> None:
        self._forms = forms
        self._waker = waker

    async def execute(self, answer: SubmitForm) -> FormSubmitted:
        """Durable when it returns, together with the command that tells its run. Idempotent by
        `command_id`; of several answers the first one committed stands.

        Raises FormUnknown, FormChanged, FormActionUnknown, FormInputRefused, FormSubmitted,
        FormExpired, FormWithdrawn, Unavailable. None of them harms the run.
        """
        view = await self._forms.find(
            FormQuery(tenant_id=answer.tenant_id, form_id=answer.form_id, app_id=answer.app_id)
        )
        assert view.form is not None, "a form is found with what it shows"
        if answer.digest not in {None, view.digest}:
            raise FormChanged("This is not what the form shows; look at it again.")
        if answer.action not in {action.id for action in view.form.actions}:
            raise FormActionUnknown(f"The form has no action {answer.action!r}.")
        try:
            inputs = checked_inputs(view.form, answer.inputs)
        except FormInputInvalid as invalid:
            raise FormInputRefused(str(invalid)) from invalid
        done = await self._forms.submit(answer.model_copy(update={"inputs": inputs}))
        if done.verdict != "taken":
            raise _refusal(done)
        await self._waker.wake(answer.tenant_id, done.run_id, done.status, done.epoch)
        return FormSubmitted(form_id=answer.form_id, run_id=done.run_id, run_status=done.status)


def _refusal(done: Submission) -> HeddleError:
    match done.verdict:
        case "submitted":
            return AlreadySubmitted("Somebody has answered this form.")
        case "expired":
            return FormExpired("The time to answer this form is over.")
        case "over" | "withdrawn":
            return FormWithdrawn("Nobody waits for an answer to this form any more.")
        case _:
            return Conflict(f"The form is {done.verdict}.")

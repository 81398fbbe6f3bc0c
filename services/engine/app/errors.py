"""What the engine refuses or cannot do."""

from libs.common.errors import Conflict, InvalidInput, NotFound, PlatformFault


class WorkflowUnknown(NotFound):
    """No workflow is registered under this hash; register it and repeat."""

    code = "workflow_unknown"
    title = "The workflow is not registered"


class RunUnknown(NotFound):
    """The tenant has no such run."""

    code = "run_unknown"
    title = "No such run"


class RunUnderWay(Conflict):
    """Only a run that has ended can be begun from. `extra` holds its status."""

    code = "run_under_way"
    title = "The run has not ended"


class HistoryGone(NotFound):
    """The run ended so long ago that only its outcome is kept."""

    code = "history_gone"
    status = 410
    title = "The run's history is kept no longer"


class ForkRefused(InvalidInput):
    """What is asked makes no sense for this run and this version; `details` names the places."""

    code = "fork_refused"
    title = "The run cannot be forked like this"


class FormUnknown(NotFound):
    """The tenant, or its app, has no such form."""

    code = "form_unknown"
    title = "No such form"


class FormActionUnknown(InvalidInput):
    """The form has no such button."""

    code = "form_action_unknown"
    title = "The form has no such action"


class FormInputRefused(InvalidInput):
    """An answer does not fit the fields of its form."""

    code = "form_input_refused"
    title = "The form's input does not fit"


class FormChanged(Conflict):
    """The answer was given to something else than the form shows."""

    code = "form_changed"
    title = "The form shows something else"


class FormSubmitted(Conflict):
    """Somebody has answered the form. Dify's clients expect 412."""

    code = "form_submitted"
    status = 412
    title = "The form was answered already"


class FormExpired(Conflict):
    """The time to answer the form is over. Dify's clients expect 412."""

    code = "form_expired"
    status = 412
    title = "The form has expired"


class FormWithdrawn(Conflict):
    """Nobody waits for the form's answer any more."""

    code = "form_withdrawn"
    title = "The form was withdrawn"


class SecretMissing(NotFound):
    """A run names a secret environment value that is gone, or that no master key here opens."""

    code = "secret_missing"
    title = "A secret environment variable cannot be had"


class VariableUnknown(NotFound):
    """The workflow declares no such conversation variable."""

    code = "variable_unknown"
    title = "No such conversation variable"


class VariableRefused(InvalidInput):
    """The value is of another type than the variable, or too large; nothing was changed."""

    code = "variable_refused"
    title = "The value is not one for this variable"


class RunIdOutOfRange(InvalidInput):
    """The run id is no UUIDv7 of these months, so no journal partition can hold it."""

    code = "run_id_out_of_range"
    title = "The run id carries an impossible time"


class JournalUnreadable(PlatformFault):
    """A stored journal row is not what this version can read."""

    code = "journal_unreadable"
    title = "The run's journal cannot be read"
    retryable = False


class JournalRefused(PlatformFault):
    """An event holds what is no JSON text, half a surrogate pair say; its run ends as failed."""

    code = "journal_refused"
    title = "The run's journal refused an event"
    retryable = False


class JournalTooLarge(JournalRefused):
    """One event alone is above the bound of a journal row; its run ends as failed."""

    code = "journal_too_large"
    title = "One step of the run is larger than its journal takes"

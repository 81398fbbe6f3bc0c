"""Forms that runs show to people."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.form_deliveries import FormDelivery
from libs.common.contracts.forms import FormQuery, FormsQuery, FormView, HumanForm, SubmitForm
from libs.common.contracts.run_commands import RunStatus
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import OpenForm

SubmitVerdict = Literal["taken", "over", "open", "submitted", "expired", "withdrawn"]


class Submission(NamedTuple):
    """What became of an answer: taken, refused because its run is `over`, or because the form has
    that status. `status` and `epoch` are the run's."""

    verdict: SubmitVerdict
    run_id: UUID
    status: RunStatus
    epoch: int


class FormStore(Protocol):
    """Every call raises Unavailable when the store is away."""

    async def open(
        self,
        claim: Claim,
        form: OpenForm,
        shown: HumanForm,
        deliveries: Sequence[FormDelivery] = (),
    ) -> bool:
        """Keep what people are shown, once by the form's id, with the instant until which they can
        answer. Where there are `deliveries`, the fact that it was opened is sent in the same
        commit. False when the run is no longer owned under `claim`."""
        ...

    async def withdraw(self, tenant_id: UUID, run_id: UUID, forms: Sequence[UUID]) -> None:
        """Nobody waits for their answers any more; those that are not open stay as they are."""
        ...

    async def find(self, query: FormQuery) -> FormView:
        """With what it shows. An open form of a run that has ended counts as withdrawn, one whose
        time is up as expired. Raises FormUnknown."""
        ...

    async def deliveries(self, query: FormQuery) -> tuple[FormDelivery, ...]:
        """Who is told of the form. Raises FormUnknown."""
        ...

    async def list(self, query: FormsQuery) -> list[FormView]:
        """Newest first, without what they show."""
        ...

    async def submit(self, answer: SubmitForm) -> Submission:
        """Compare-and-set from open, together with the run's command; a parked run is queued. The
        first commit wins; a repeat by the same command id is taken. Raises FormUnknown."""
        ...

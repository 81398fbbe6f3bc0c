"""Asking people: forms are stored before anybody is told of them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.form_deliveries import EmailDelivery, FormDelivery
from libs.common.contracts.forms import HumanForm
from libs.common.errors import HeddleError
from services.engine.app.ports.form_store import FormStore
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.public_forms import masked_form
from services.engine.domain.execution.step import OpenForm
from services.engine.domain.variables.secret_mask import SecretMask

_log = logging.getLogger(__name__)
_AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FormEvents:
    """`opened`: the form of this effect is stored. `lost`: the run is no longer ours. `defect`:
    storing one met what nobody expected."""

    opened: Callable[[str], None]
    lost: Callable[[str], None]
    defect: Callable[[BaseException], None]


class FormOpener:
    """The forms of one run under one claim. While the store is away it goes on trying."""

    def __init__(
        self,
        claim: Claim,
        store: FormStore,
        clock: Clock,
        *,
        mask: SecretMask | None,
        events: FormEvents,
    ) -> None:
        self._claim = claim
        self._store = store
        self._clock = clock
        self._mask = mask
        self._events = events
        self._opening: set[asyncio.Task[None]] = set()
        self._withdrawing: set[asyncio.Task[None]] = set()

    def open(self, form: OpenForm) -> None:
        """Store the form; what stands in the journal before it is durable."""
        task = asyncio.ensure_future(self._opened(form))
        self._opening.add(task)
        task.add_done_callback(self._over)

    def withdraw(self, forms: Sequence[UUID]) -> None:
        """Nobody waits for them any more; that is durable."""
        task = asyncio.ensure_future(self._withdrawn(forms))
        self._withdrawing.add(task)
        task.add_done_callback(self._withdrawing.discard)

    def stop(self) -> None:
        """Store nothing more; who takes the run over does."""
        for task in self._opening:
            task.cancel()

    async def closed(self) -> None:
        """Wait until no task is left."""
        await asyncio.gather(*self._opening, *self._withdrawing, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._events.defect(error)

    async def _opened(self, form: OpenForm) -> None:
        shown, told = self._shown(form.form), self._told(form.deliveries)
        while True:
            try:
                ours = await self._store.open(self._claim, form, shown, told)
                break
            except HeddleError as error:
                _log.warning("a form of run %s waits: %s", self._claim.run_id, error)
                await self._clock.sleep(_AWAY_SECONDS)
        if ours:
            self._events.opened(form.key)
        else:
            self._events.lost("its form was not stored")

    async def _withdrawn(self, forms: Sequence[UUID]) -> None:
        try:
            await self._store.withdraw(self._claim.tenant_id, self._claim.run_id, forms)
        except HeddleError as error:
            # Whoever answers one of them changes nothing.
            _log.warning("forms of run %s were not withdrawn: %s", self._claim.run_id, error)

    def _shown(self, form: HumanForm) -> HumanForm:
        if self._mask is None:
            return form
        return HumanForm.model_validate(masked_form(form.model_dump(mode="json"), self._mask))

    def _told(self, deliveries: Sequence[FormDelivery]) -> list[FormDelivery]:
        mask = self._mask
        if mask is None:
            return [*deliveries]
        return [
            each.model_copy(
                update={
                    "subject": mask.text(each.subject),
                    "body": tuple(map(mask.text, each.body)),
                }
            )
            if isinstance(each, EmailDelivery)
            else each
            for each in deliveries
        ]

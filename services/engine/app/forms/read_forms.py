"""Looking at forms."""

from libs.common.contracts.form_deliveries import FormDeliveries
from libs.common.contracts.forms import FormList, FormQuery, FormsQuery, FormView
from services.engine.app.ports.form_store import FormStore


class ReadForms:
    def __init__(self, forms: FormStore) -> None:
        self._forms = forms

    async def view(self, query: FormQuery) -> FormView:
        """Raises FormUnknown and Unavailable."""
        return await self._forms.find(query)

    async def deliveries(self, query: FormQuery) -> FormDeliveries:
        """Raises FormUnknown and Unavailable."""
        form = await self._forms.find(query)
        return FormDeliveries(form=form, deliveries=await self._forms.deliveries(query))

    async def list(self, query: FormsQuery) -> FormList:
        """Raises Unavailable."""
        found = await self._forms.list(query.model_copy(update={"limit": query.limit + 1}))
        return FormList(forms=tuple(found[: query.limit]), more=len(found) > query.limit)

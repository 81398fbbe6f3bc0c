"""List the models that can be called."""

from libs.common.contracts.chat import ModelEntry, ModelList, ModelQuery
from services.inference.app.ports.credential_source import CredentialSource
from services.inference.app.ports.sheet_source import SheetSource
from services.inference.domain.catalogue.catalogue import WILDCARD


class ListModels:
    def __init__(self, *, sheets: SheetSource, credentials: CredentialSource) -> None:
        self._sheets = sheets
        self._credentials = credentials

    async def run(self, query: ModelQuery) -> ModelList:
        """Every model with a sheet of its own; `ready` says whether its provider has what it
        needs for this tenant."""
        entries: list[ModelEntry] = []
        for vendor in self._sheets.catalogue.vendors:
            provider = vendor.provider
            ready = not provider.needs_credential or bool(
                await self._credentials.open(query.tenant_id, provider.id)
            )
            entries.extend(
                ModelEntry(
                    id=f"{provider.id}/{sheet.id}",
                    vendor=provider.id,
                    type=sheet.type,
                    context_tokens=sheet.context_tokens,
                    ready=ready,
                )
                for sheet in vendor.models.values()
                if sheet.id != WILDCARD
            )
        return ModelList(models=tuple(entries))

"""List the models that can be called."""

import asyncio
from uuid import UUID

from libs.common.contracts.chat import ModelEntry, ModelList, ModelQuery
from services.inference.app.models.told_models import ToldModels
from services.inference.app.ports.chat_wire import OpenedCredential
from services.inference.app.ports.credential_source import CredentialSource
from services.inference.app.ports.sheet_source import SheetSource
from services.inference.domain.catalogue.catalogue import WILDCARD, Vendor
from services.inference.domain.catalogue.sheets import ModelSheet

_NO_CREDENTIAL = OpenedCredential(base_url=None, values={})


class ListModels:
    def __init__(
        self, *, sheets: SheetSource, credentials: CredentialSource, told: ToldModels
    ) -> None:
        self._sheets = sheets
        self._credentials = credentials
        self._told = told

    async def run(self, query: ModelQuery) -> ModelList:
        """Every model with a sheet of its own, and for a vendor whose sheet takes any name those
        that the provider itself lists, once the tenant has set it. `ready` says whether the
        provider has what it needs for this tenant."""
        vendors = self._sheets.catalogue.vendors
        found = await asyncio.gather(*(self._of(query.tenant_id, each) for each in vendors))
        return ModelList(models=tuple(entry for entries in found for entry in entries))

    async def _of(self, tenant_id: UUID | None, vendor: Vendor) -> list[ModelEntry]:
        provider = vendor.provider
        credential = (
            await self._credentials.open(tenant_id, provider.id) if provider.credential else None
        )
        ready = credential is not None or not provider.needs_credential
        entries = [
            _entry(vendor, sheet.id, sheet, ready=ready)
            for sheet in vendor.models.values()
            if sheet.id != WILDCARD
        ]
        any_name = vendor.models.get(WILDCARD)
        if any_name is None or not ready:
            return entries
        told = await self._told.names(tenant_id, provider, credential or _NO_CREDENTIAL)
        entries += [
            _entry(vendor, name, any_name, ready=True) for name in told if name not in vendor.models
        ]
        return entries


def _entry(vendor: Vendor, name: str, sheet: ModelSheet, *, ready: bool) -> ModelEntry:
    return ModelEntry(
        id=f"{vendor.provider.id}/{name}",
        vendor=vendor.provider.id,
        type=sheet.type,
        context_tokens=sheet.context_tokens,
        ready=ready,
    )

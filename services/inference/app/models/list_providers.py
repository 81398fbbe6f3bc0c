"""List the providers that have a sheet."""

from libs.common.contracts.providers import (
    ProviderEntry,
    ProviderField,
    ProviderList,
    ProviderQuery,
)
from services.inference.app.ports.sheet_source import SheetSource
from services.inference.domain.catalogue.catalogue import WILDCARD, Vendor


class ListProviders:
    def __init__(self, sheets: SheetSource) -> None:
        self._sheets = sheets

    async def run(self, _query: ProviderQuery) -> ProviderList:
        """By id, with what an operator may enter for each."""
        vendors = sorted(self._sheets.catalogue.vendors, key=lambda vendor: vendor.provider.id)
        return ProviderList(providers=tuple(_entry(vendor) for vendor in vendors))


def _entry(vendor: Vendor) -> ProviderEntry:
    sheet = vendor.provider
    return ProviderEntry(
        id=sheet.id,
        name=sheet.name,
        base_url=sheet.base_url,
        fields=tuple(
            ProviderField(
                name=field.name, label=field.label, secret=field.secret, required=field.required
            )
            for field in sheet.credential
        ),
        any_model=WILDCARD in vendor.models,
    )

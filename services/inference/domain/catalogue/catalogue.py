"""The catalogue: every provider and model that has a sheet."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.inference.domain.catalogue.sheets import ModelSheet, ProviderSheet
from services.inference.domain.errors import ModelUnknown

WILDCARD = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """A name that was found: `upstream_name` is what the provider calls it."""

    provider: ProviderSheet
    sheet: ModelSheet
    upstream_name: str

    @property
    def name(self) -> str:
        """`vendor/model`."""
        return f"{self.provider.id}/{self.upstream_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A provider and its models by id."""

    provider: ProviderSheet
    models: Mapping[str, ModelSheet]


class Catalogue:
    """An immutable set of vendors. A reload makes a new one; calls under way keep theirs."""

    def __init__(self, vendors: Iterable[Vendor]) -> None:
        self._vendors = {vendor.provider.id: vendor for vendor in vendors}

    @property
    def vendors(self) -> tuple[Vendor, ...]:
        return tuple(self._vendors.values())

    def resolve(self, name: str) -> ResolvedModel:
        """The model called `vendor/model`.

        Raises ModelUnknown, with the nearest names, when there is none.
        """
        vendor_id, slash, model_id = name.partition("/")
        vendor = self._vendors.get(vendor_id)
        if not slash or not model_id or vendor is None:
            raise self._unknown(name)
        sheet = vendor.models.get(model_id) or vendor.models.get(WILDCARD)
        if sheet is None:
            raise self._unknown(name)
        return ResolvedModel(provider=vendor.provider, sheet=sheet, upstream_name=model_id)

    def names(self) -> list[str]:
        """Every model with an entry of its own, as `vendor/model`."""
        return [
            f"{vendor.provider.id}/{model_id}"
            for vendor in self._vendors.values()
            for model_id in vendor.models
            if model_id != WILDCARD
        ]

    def _unknown(self, name: str) -> ModelUnknown:
        near = difflib.get_close_matches(name, self.names(), n=3, cutoff=0.4)
        hint = f"; the nearest are {', '.join(f'`{n}`' for n in near)}" if near else ""
        return ModelUnknown(
            f"no model `{name}` (names are `vendor/model`){hint}", extra={"nearest": [*near]}
        )

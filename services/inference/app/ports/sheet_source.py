"""Where the catalogue comes from."""

from typing import Protocol

from services.inference.domain.catalogue.catalogue import Catalogue


class SheetSource(Protocol):
    @property
    def catalogue(self) -> Catalogue:
        """The newest valid catalogue. A call keeps the one it started with."""
        ...

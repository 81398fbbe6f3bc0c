"""What a provider itself says it serves."""

from typing import Protocol

from services.inference.app.ports.chat_wire import OpenedCredential
from services.inference.domain.catalogue.sheets import ProviderSheet


class UpstreamModels(Protocol):
    async def names(self, provider: ProviderSheet, credential: OpenedCredential) -> tuple[str, ...]:
        """The names of its models, at most 1,000; none where its wire has no such list, or it
        answers with none. Raises ProviderFailed when it cannot be asked within 5 s."""
        ...

"""The catalogue of providers, on the bus of a test."""

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.providers import (
    ProviderEntry,
    ProviderField,
    ProviderList,
    ProviderQuery,
)
from libs.common.contracts.subjects import PROVIDERS
from libs.common.messaging.in_memory_bus import InMemoryBus

_KEY = ProviderField(name="api_key", label="API key", secret=True)
_URL = ProviderField(name="base_url", label="Base URL", required=False)
_CATALOGUE = ProviderList(
    providers=(
        ProviderEntry(id="demo", name="Demo"),
        ProviderEntry(
            id="openai", name="OpenAI", base_url="https://api.openai.com/v1", fields=(_KEY, _URL)
        ),
        ProviderEntry(
            id="openai_compatible",
            name="Any host",
            fields=(
                _URL.model_copy(update={"required": True}),
                _KEY.model_copy(update={"required": False}),
            ),
            any_model=True,
        ),
    )
)


async def serve_catalogue(bus: InMemoryBus) -> None:
    async def providers(_query: ProviderQuery, _envelope: Envelope) -> ProviderList:
        return _CATALOGUE

    await bus.serve(PROVIDERS, providers)
